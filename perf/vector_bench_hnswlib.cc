// The only file that may include hnswlib: its headers define functions that are not inline. It is
// compiled for the machine that compiles it, as its users do.
#include <hnswlib/hnswlib.h>

#include "vector_bench_rival.h"

namespace libkv::perf {
namespace {

constexpr size_t kLinks = 16;        // M
constexpr size_t kBuildDepth = 200;  // efConstruction

class HnswlibRival final : public VectorRival {
 public:
  explicit HnswlibRival(const VectorSet& base)
      : space_(base.dimension), index_(&space_, base.count(), kLinks, kBuildDepth) {
    for (size_t i = 0; i < base.count(); ++i) index_.addPoint(base.at(i), i);
  }
  HnswlibRival(const VectorSet& base, const std::string& path)
      : space_(base.dimension), index_(&space_, path, false, base.count()) {}

  void Search(const float* query, std::vector<uint32_t>* hits) override {
    auto found = index_.searchKnn(query, kNeighboursWanted);
    hits->clear();
    for (; !found.empty(); found.pop()) hits->push_back(static_cast<uint32_t>(found.top().second));
  }
  void SetDepth(int depth) override { index_.setEf(static_cast<size_t>(depth)); }
  void Save(const std::string& path) override { index_.saveIndex(path); }

  bool CanChange() const override { return true; }
  void Delete(uint32_t number) override { index_.markDelete(number); }
  void Overwrite(uint32_t number, const float* vector) override { index_.addPoint(vector, number); }

 private:
  hnswlib::L2Space space_;
  hnswlib::HierarchicalNSW<float> index_;
};

}  // namespace

VectorRivalKind HnswlibKind() {
  return {
      .name = "hnswlib",
      .depth_name = "ef",
      .depths = {10, 15, 20, 30, 40, 60, 80, 120, 200, 400},
      .is_slow = false,
      .build = [](const VectorSet& base) { return std::make_unique<HnswlibRival>(base); },
      .load = [](const VectorSet& base,
                 const std::string& path) { return std::make_unique<HnswlibRival>(base, path); }};
}

}  // namespace libkv::perf
