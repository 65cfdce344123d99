// The exhaustive scan: reads every code once and names the few vectors that can still be among the
// best, so that the caller compares only those exactly. It is the answer for spaces of up to some
// hundred thousand vectors and the oracle for every other index.
//
// A score by codes is wrong by the rounding of both codes: q.v - q'.v' = q.(v - v') + (q - q').v'.
// After a random rotation each sum is about normal with a deviation of |q| scale_v / sqrt(12), and
// of |v| scale_q / sqrt(12): a rounding error is even over [-scale/2, scale/2]. The margin of a
// score is kScanDeviations times the sum of the two (the sum, not the root of the squares: when q
// and v are nearly the same, so are their rounding errors), plus what sums of floats can lose.
//
// A slot stays if its score plus margin reaches the best `limit`-th of all scores minus margin. The
// chance that a true neighbour is lost is that of a normal number beyond six deviations, 2e-9; a
// caller who knows the rotation could build a vector that loses it, for its own search only.
#ifndef LIBKV_SRC_VECTOR_FLAT_SCAN_H_
#define LIBKV_SRC_VECTOR_FLAT_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "libkv/options.h"
#include "vector/code.h"
#include "vector/code_set.h"

namespace libkv {

inline constexpr float kScanDeviations = 6;

// A scan returns at most so many candidates beyond its limit.
inline constexpr size_t kScanExtraMax = 4'096;

// A query as scans need it.
struct QueryCode {
  Code code;
  std::vector<int8_t> values;
};
QueryCode MakeQueryCode(std::span<const float> rotated);

struct Candidate {
  uint32_t slot = 0;
  float score = 0;        // by the codes
  float upper_bound = 0;  // of the exact score
};

// The candidates for the exact best `limit` among the first `count` slots that are alive (count
// <= codes.size()). Sorted by upper bound, greatest first: a caller that has found `limit` exact
// scores, all of them at least the upper bound of the next candidate, need not look further.
//
// `alive` is called only for slots that would become candidates, in ascending order, once each.
//
// When more than limit + kScanExtraMax slots are within the margin (that many vectors are nearly
// the same), those with the greatest upper bounds are returned and *is_complete, unless null, is
// false: the best of them are near the best of all, but need not be the same.
//
// Cost       One pass over the codes at the speed of memory.
std::vector<Candidate> Scan(const CodeSet& codes, const QueryCode& query, Metric metric,
                            size_t limit, size_t count,
                            absl::FunctionRef<bool(uint32_t slot)> alive,
                            bool* is_complete = nullptr);

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_FLAT_SCAN_H_
