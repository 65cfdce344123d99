// The parts of vector_bench: each measures one thing and reports it.
#ifndef LIBKV_PERF_VECTOR_BENCH_PARTS_H_
#define LIBKV_PERF_VECTOR_BENCH_PARTS_H_

#include <memory>
#include <string>
#include <vector>

#include "vector_bench_data.h"
#include "vector_bench_measure.h"
#include "vector_bench_rival.h"
#include "vector_bench_store.h"

namespace libkv::perf {

struct BuiltRival {
  VectorRivalKind kind;
  std::unique_ptr<VectorRival> index;
  double build_seconds = 0;  // of CPU; 0: it was read from a file
  uint64_t memory_bytes = 0;
  std::string path;  // where it is saved
};

// What all parts share: the data, one settled store with all of it, and the rivals' indexes. Parts
// that change something work on copies.
struct VectorBench {
  const VectorData& data;
  std::string directory;  // for copies; its folders are removed by who makes them
  int passes = 3;
  size_t memory_bytes = 0;
  size_t synced_vectors = 0;  // of the synced variant of loading
  double reader_seconds = 3;  // of the part readers, for each of idle and inserts
  size_t slow_queries = 100;  // for whatever compares everything, or needs a truth of its own
  std::unique_ptr<VectorStore> store;
  std::vector<BuiltRival> rivals;
  VectorReport report;

  std::string Place(const std::string& name) const { return directory + "/" + name; }
};

// The targets that recall is asked for, and that speeds are compared at.
inline constexpr double kRecallTargets[] = {0.90, 0.95, 0.99};
inline constexpr double kUsualTarget = 0.95;

VectorContender LibkvAt(VectorStore* store, double target, size_t queries);
VectorContender LibkvExact(VectorStore* store, size_t queries);

void MeasureSearchPart(VectorBench* bench);
void MeasureOpenPart(VectorBench* bench);
// Deletes half of the vectors at random; or whole clusters, until half is gone.
void MeasureDeletesPart(VectorBench* bench);
// Ten rounds: an eighth of the keys exchange their vectors, so that the true answers stay.
void MeasureChurnPart(VectorBench* bench);
void MeasureFiltersPart(VectorBench* bench);
// How long a reader waits while a writer inserts as fast as it can, and while nobody does.
void MeasureReadersPart(VectorBench* bench);
// What a vector adds to a single Set.
void MeasureSetPart(VectorBench* bench);
// Stores whose vectors came in other orders: as they are, and cluster by cluster.
void MeasureOrdersPart(VectorBench* bench);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_VECTOR_BENCH_PARTS_H_
