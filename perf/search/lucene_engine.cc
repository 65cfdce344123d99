#include "search/lucene_process.h"
#include "search/rivals.h"

namespace libkv::perf {
namespace {

class LuceneEngine final : public Engine {
 public:
  explicit LuceneEngine(const std::string& directory) { process_.Open(directory, kBm25K1, kBm25B); }
  std::vector<Answer> Pass(const std::vector<Query>& queries) override {
    return process_.Pass(queries);
  }

 private:
  LuceneProcess process_;
};

}  // namespace

EngineKind LuceneKind() {
  return {"lucene",
          [](const std::vector<Document>& documents, const std::string& directory) {
            BuildCost cost = LuceneProcess().Index(documents, directory);
            cost.disk_bytes = DirectoryBytes(directory);
            return cost;
          },
          [](const std::string& directory) -> std::unique_ptr<Engine> {
            return std::make_unique<LuceneEngine>(directory);
          }};
}

}  // namespace libkv::perf
