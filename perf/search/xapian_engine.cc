#include <xapian.h>

#include <filesystem>

#include "harness.h"
#include "search/rivals.h"
#include "search/stop_words.h"

namespace libkv::perf {
namespace {

constexpr char kStemmer[] = "english";

class OurStopper final : public Xapian::Stopper {
 public:
  bool operator()(const std::string& word) const override { return IsStopWord(word); }
};

// Nothing here is expected to fail.
template <typename Body>
auto OrFail(Body body) {
  try {
    return body();
  } catch (const Xapian::Error& error) {
    Fail("xapian: " + error.get_description());
  }
}

void WriteAll(const std::vector<Document>& documents, const std::string& path) {
  Xapian::WritableDatabase database(path, Xapian::DB_CREATE | Xapian::DB_BACKEND_GLASS);
  OurStopper stopper;
  Xapian::TermGenerator generator;
  generator.set_stemmer(Xapian::Stem(kStemmer));
  generator.set_stemming_strategy(Xapian::TermGenerator::STEM_ALL);
  generator.set_stopper(&stopper);
  generator.set_stopper_strategy(Xapian::TermGenerator::STOP_ALL);
  for (const Document& document : documents) {  // the ids are 1, 2, 3, ...
    Xapian::Document indexed;
    generator.set_document(indexed);
    generator.set_termpos(0);
    generator.index_text(document.text);
    database.add_document(indexed);
  }
  database.commit();
}

BuildCost Build(const std::vector<Document>& documents, const std::string& directory) {
  return OrFail([&] {
    BuildCost cost;
    std::filesystem::create_directories(directory);
    const std::string written = directory + "/written", compacted = directory + "/compacted";
    const double begin = ProcessCpuSeconds();
    WriteAll(documents, written);
    cost.write_cpu_seconds = ProcessCpuSeconds() - begin;
    Xapian::Database(written).compact(compacted);
    cost.merge_cpu_seconds = ProcessCpuSeconds() - begin - cost.write_cpu_seconds;
    std::filesystem::remove_all(written);
    cost.disk_bytes = DirectoryBytes(compacted);
    return cost;
  });
}

class XapianEngine final : public Engine {
 public:
  explicit XapianEngine(const std::string& directory)
      : database_(directory + "/compacted"), stem_(kStemmer), enquire_(database_) {
    enquire_.set_weighting_scheme(Xapian::BM25Weight(kBm25K1, 0, 1, kBm25B, 0.5));
  }

  std::vector<Answer> Pass(const std::vector<Query>& queries) override {
    return OrFail([&] {
      std::vector<Answer> answers(queries.size());
      for (size_t i = 0; i < queries.size(); ++i) {
        if (!Supports(queries[i].kind)) continue;
        const double begin = ThreadCpuSeconds();
        enquire_.set_query(InXapiansLanguage(queries[i]));
        const Xapian::MSet set = enquire_.get_mset(0, kTopHits);
        for (auto hit = set.begin(); hit != set.end(); ++hit) answers[i].hits.push_back(*hit - 1);
        answers[i].us = (ThreadCpuSeconds() - begin) * 1e6;
      }
      return answers;
    });
  }

  bool Supports(QueryKind kind) const override { return kind != QueryKind::kFuzzy; }

 private:
  Xapian::Query InXapiansLanguage(const Query& query) const {
    if (query.kind == QueryKind::kPrefix) {
      return Xapian::Query(Xapian::Query::OP_WILDCARD, query.words[0]);
    }
    std::vector<Xapian::Query> terms;
    for (const std::string& word : query.words) {
      if (!IsStopWord(word)) terms.emplace_back(stem_(word));
    }
    if (query.kind == QueryKind::kOr) {
      return Xapian::Query(Xapian::Query::OP_OR, terms.begin(), terms.end());
    }
    if (query.kind != QueryKind::kPhrase) {
      return Xapian::Query(Xapian::Query::OP_AND, terms.begin(), terms.end());
    }
    return Xapian::Query(Xapian::Query::OP_PHRASE, terms.begin(), terms.end(),
                         static_cast<Xapian::termcount>(terms.size()));
  }

  Xapian::Database database_;
  Xapian::Stem stem_;
  Xapian::Enquire enquire_;
};

}  // namespace

EngineKind XapianKind() {
  return {"xapian", Build, [](const std::string& directory) {
            return OrFail([&]() -> std::unique_ptr<Engine> {
              return std::make_unique<XapianEngine>(directory);
            });
          }};
}

}  // namespace libkv::perf
