// Comparing everything: ExactCandidates reads the int8 codes of all entries and names the few that
// can still be among the best, so that the caller compares only those by their full vectors.
//
// A score by codes is wrong by the rounding of both codes: q.v - q'.v' = q.(v - v') + (q - q').v'.
// After a random rotation each sum is about normal with a deviation of |q| scale_v / sqrt(12), and
// of |v| scale_q / sqrt(12): a rounding error is even over [-scale/2, scale/2]. The margin of a
// candidate is kScoreDeviations times the sum of the two (the sum, not the root of the squares:
// when q and v are nearly the same, so are their rounding errors), plus what sums of floats lose.
// The chance that the exact score is outside is that of a normal number beyond six deviations,
// 2e-9; a caller who knows the rotation could build a vector that is, for its own search only.
#ifndef LIBKV_SRC_VECTOR_EXACT_CANDIDATES_H_
#define LIBKV_SRC_VECTOR_EXACT_CANDIDATES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "vector/list_query.h"
#include "vector/list_search.h"
#include "vector/list_table.h"

namespace libkv {

struct ListCandidate {
  uint64_t document = 0;
  std::string_view key;   // lives as long as the table and ListCandidates::keys
  float score = 0;        // by the codes
  float upper_bound = 0;  // of the exact score
};

struct ListCandidates {
  // Greatest upper bound first: a caller that has found `limit` exact scores, all of them at least
  // the upper bound of the next candidate, need not look further.
  std::vector<ListCandidate> candidates;
  std::deque<std::string> keys;  // of lists that were loaded
};

// The candidates for the exact best `limit` among all accepted entries of all lists. `accept` is
// called only for entries that would become candidates.
//
// When more than limit + kCandidatesExtraMax entries are within the margin (that many vectors are
// nearly the same), those with the greatest upper bounds are returned and *is_complete, unless
// null, is false: the best of them are near the best of all, but need not be the same.
//
// Cost       One pass over all int8 codes at the speed of memory. A list that is loaded for it is
//            dropped when the next one comes.
ListCandidates ExactCandidates(const ListTable& table, const ListQuery& query, size_t limit,
                               AcceptEntry accept, LoadList load, bool* is_complete = nullptr);

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_EXACT_CANDIDATES_H_
