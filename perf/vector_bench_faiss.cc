#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/index_io.h>
#include <omp.h>

#include "harness.h"
#include "vector_bench_rival.h"

namespace libkv::perf {
namespace {

constexpr int kLinks = 16;
constexpr size_t kLists = 1'024;

class FaissRival final : public VectorRival {
 public:
  explicit FaissRival(std::unique_ptr<faiss::Index> index) : index_(std::move(index)) {
    omp_set_num_threads(1);
  }
  FaissRival(std::unique_ptr<faiss::Index> index, const VectorSet& base)
      : FaissRival(std::move(index)) {
    const auto count = static_cast<faiss::Index::idx_t>(base.count());
    if (!index_->is_trained) index_->train(count, base.floats.data());
    index_->add(count, base.floats.data());
  }

  void Search(const float* query, std::vector<uint32_t>* hits) override {
    float distances[kNeighboursWanted];
    faiss::Index::idx_t numbers[kNeighboursWanted];
    index_->search(1, query, kNeighboursWanted, distances, numbers);
    hits->clear();
    for (const faiss::Index::idx_t number : numbers) {
      if (number >= 0) hits->push_back(static_cast<uint32_t>(number));
    }
  }
  void SetDepth(int depth) override {
    if (auto* const graph = dynamic_cast<faiss::IndexHNSW*>(index_.get())) {
      graph->hnsw.efSearch = depth;
    } else if (auto* const lists = dynamic_cast<faiss::IndexIVF*>(index_.get())) {
      lists->nprobe = static_cast<size_t>(depth);
    }
  }
  void Save(const std::string& path) override { faiss::write_index(index_.get(), path.c_str()); }

 private:
  const std::unique_ptr<faiss::Index> index_;
};

std::unique_ptr<faiss::Index> MakeGraph(int dimension) {
  return std::make_unique<faiss::IndexHNSWFlat>(dimension, kLinks);
}
std::unique_ptr<faiss::Index> MakeLists(int dimension) {
  auto centres = std::make_unique<faiss::IndexFlatL2>(dimension);
  auto lists =
      std::make_unique<faiss::IndexIVFFlat>(centres.get(), static_cast<size_t>(dimension), kLists);
  lists->own_fields = true;
  centres.release();  // the lists own it now
  return lists;
}
std::unique_ptr<faiss::Index> MakeFlat(int dimension) {
  return std::make_unique<faiss::IndexFlatL2>(dimension);
}

VectorRivalKind KindOf(std::string name, std::string depth_name, std::vector<int> depths,
                       std::unique_ptr<faiss::Index> (*make)(int dimension)) {
  return {.name = std::move(name),
          .depth_name = std::move(depth_name),
          .depths = std::move(depths),
          .is_slow = make == MakeFlat,
          .build =
              [make](const VectorSet& base) {
                omp_set_num_threads(1);
                return std::make_unique<FaissRival>(make(static_cast<int>(base.dimension)), base);
              },
          .load =
              [](const VectorSet&, const std::string& path) {
                std::unique_ptr<faiss::Index> index(faiss::read_index(path.c_str()));
                return std::make_unique<FaissRival>(std::move(index));
              }};
}

}  // namespace

std::vector<VectorRivalKind> FaissKinds() {
  return {KindOf("faiss-hnsw", "efSearch", {10, 20, 40, 80, 160, 320}, MakeGraph),
          KindOf("faiss-ivf", "nprobe", {2, 4, 8, 16, 32, 64, 128}, MakeLists),
          KindOf("faiss-flat", "", {0}, MakeFlat)};
}

}  // namespace libkv::perf
