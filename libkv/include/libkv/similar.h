// Searching by vectors: what is asked and what comes back.
#ifndef LIBKV_SIMILAR_H_
#define LIBKV_SIMILAR_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "libkv/find.h"
#include "libkv/snapshot.h"

namespace libkv {

inline constexpr size_t kSimilarLimitMax = 10'000;

struct SimilarOptions {
  // Only keys that begin with it. Must lead to exactly one space with vectors: scores of two
  // spaces cannot be compared.
  std::string prefix;
  size_t limit = 10;
  // How many of the true nearest neighbours are to be found, as a share, on average over queries:
  // the fewer, the faster. What it takes is measured in the background (libkv/doc/vectors.md, 14).
  // Up to Options::exact_vectors_max vectors everything is compared, and all are found.
  double recall_target = 0.95;               // above 0, at most 1
  bool exact = false;                        // compares every vector, whatever the target
  std::shared_ptr<const Snapshot> snapshot;  // null: every write that was acknowledged

  // Only values that pass: a filter never makes an answer less exact. Among so many vectors that
  // there are lists, a wide filter on fields is asked of the nearest values, best first. Else what
  // passes is looked up first, at about 0.15 us for each value in the range of a filter and 25 ns
  // for each that matches `words`; then, if at most some hundred pass, only their vectors are read,
  // 4 us each.
  std::vector<FieldFilter> filters = {};  // of JSON fields; all must hold; at most kFiltersMax
  // A query (libkv/doc/query_language.md) that values must match; "": all, those without words too.
  // Nobody would see warnings here, so it is read strictly: InvalidArgument names the place.
  std::string words = {};
};

struct Neighbor {
  std::string key;
  double score = 0;  // greater is nearer; what it measures is the space's Metric
};

}  // namespace libkv

#endif  // LIBKV_SIMILAR_H_
