// Where lists come from: centroids for many vectors at once, and two lists from one that has grown
// too large. All of it works on int8 codes, by Euclidean distance, and gives the same result for
// the same input on every machine.
#ifndef LIBKV_SRC_VECTOR_CLUSTERING_H_
#define LIBKV_SRC_VECTOR_CLUSTERING_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vector/code.h"
#include "vector/code_array.h"

namespace libkv {

// The squared distance of what two codes stand for; never negative.
double CodeDistance2(const CodeView& a, const CodeView& b);

// For every code the nearest centroid, the lowest place if there are several. `centroids` must not
// be empty. Cost: one int8 dot product for each pair.
std::vector<uint32_t> AssignToNearest(std::span<const CodeView> codes, const CodeArray& centroids);

struct KMeansOptions {
  size_t iterations = 8;
  uint64_t seed = 1;
};

// At most `count` centroids of `sample`, by Lloyd's iterations from random members; a cluster that
// runs empty starts again beside the largest. Fewer, down to none, if the sample has fewer members.
// Cost: iterations * sample * count dot products.
CodeArray KMeans(std::span<const CodeView> sample, size_t padded, size_t count,
                 const KMeansOptions& options = {});

// The two halves of a list.
struct Halves {
  CodeArray centroids{0, 64};  // two
  std::vector<uint8_t> side;   // of each code: 0 or 1
};

// Splits `codes` by balanced two-means: neither side gets less than a quarter. False: the codes
// stand for one and the same point, or there are fewer than two, so that no split helps.
// Deterministic. Cost: about a microsecond for each code of 1,024 dimensions.
bool SplitInTwo(std::span<const CodeView> codes, size_t padded, Halves* halves);

// A centroid that many codes are compared to.
struct PlacedCentroid {
  explicit PlacedCentroid(const CodeView& of);
  CodeView code;
  double norm2 = 0;  // of what the code stands for
};

// Greater is nearer, by Euclidean distance: |p|^2 - |p - c|^2. Comparable for one code p alone.
//
// After a split, entries of the new lists that are further from their new centroid than from the
// old one, and entries of neighbouring lists that are nearer to a new centroid than to the old one,
// may be in the wrong list; all others need not be asked. (Xu et al., "SPFresh: Incremental
// In-Place Update for Billion-Scale Vector Search", SOSP 2023: LIRE.)
double Nearness(const CodeView& code, const PlacedCentroid& centroid);

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_CLUSTERING_H_
