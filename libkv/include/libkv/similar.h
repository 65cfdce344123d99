// Searching by vectors: what is asked and what comes back.
#ifndef LIBKV_SIMILAR_H_
#define LIBKV_SIMILAR_H_

#include <cstddef>
#include <memory>
#include <string>

#include "libkv/snapshot.h"

namespace libkv {

inline constexpr size_t kSimilarLimitMax = 10'000;

struct SimilarOptions {
  // Only keys that begin with it. Must lead to exactly one space with vectors: scores of two
  // spaces cannot be compared.
  std::string prefix;
  size_t limit = 10;
  // How many of the true nearest neighbours are to be found, as a share, on average over queries:
  // the fewer, the faster. Up to about 32,000 vectors everything is compared, and all are found.
  double recall_target = 0.95;               // above 0, at most 1
  bool exact = false;                        // compares every vector, whatever the target
  std::shared_ptr<const Snapshot> snapshot;  // null: every write that was acknowledged
};

struct Neighbor {
  std::string key;
  double score = 0;  // greater is nearer; what it measures is the space's Metric
};

}  // namespace libkv

#endif  // LIBKV_SIMILAR_H_
