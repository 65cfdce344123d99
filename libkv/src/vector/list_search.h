// Search in lists: approximate within a budget, or exhaustive.
//
// SearchLists looks into the lists whose centroids are nearest. The one-bit codes of a list bound
// every score (vector/one_bit.h); an int8 code is read only if the bound reaches the current
// `limit`-th best score.
//
// ExactCandidates reads the int8 codes of everything and names the few vectors that can still be
// among the best, so that the caller compares only those by their full vectors.
//
// A score by codes is wrong by the rounding of both codes: q.v - q'.v' = q.(v - v') + (q - q').v'.
// After a random rotation each sum is about normal with a deviation of |q| scale_v / sqrt(12), and
// of |v| scale_q / sqrt(12): a rounding error is even over [-scale/2, scale/2]. The margin of a
// candidate is kScoreDeviations times the sum of the two (the sum, not the root of the squares:
// when q and v are nearly the same, so are their rounding errors), plus what sums of floats lose.
// The chance that the exact score is outside is that of a normal number beyond six deviations,
// 2e-9; a caller who knows the rotation could build a vector that is, for its own search only.
//
// Hits are scored by a query of two bytes per coordinate and with the code's length corrected
// (vector/list_query.h): there only the part of the first sum across v is left, which is short for
// near neighbours. So of the hits few can be out of order: those whose score + margin reaches the
// score - margin of a better one.
//
// Of lists that leave their codes on disk (ListStorage) SearchLists has the bits alone: they give
// every entry a score to within a margin. Entries are read from disk in the order of the best they
// can score, some at a time, until the next one cannot reach the `limit`-th best any more.
#ifndef LIBKV_SRC_VECTOR_LIST_SEARCH_H_
#define LIBKV_SRC_VECTOR_LIST_SEARCH_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "vector/list_query.h"
#include "vector/list_table.h"
#include "vector/score_formula.h"

namespace libkv {

// ExactCandidates returns at most so many candidates beyond its limit.
inline constexpr size_t kCandidatesExtraMax = 4'096;

// Whether an entry counts: visible, of the right prefix, within a filter. Called in the thread of
// the search, and not again for the same entry.
using AcceptEntry = absl::FunctionRef<bool(const BlockEntry& entry)>;

// Asked for the entries of a list that is not loaded, or, by ExactCandidates, has no codes in
// memory: returns a loaded list of the same number that has them, or null to go on without it.
using LoadList = absl::FunctionRef<std::shared_ptr<const PostingList>(const PostingList& list)>;

// Lists that were loaded during a search, for as long as its results' keys are in use.
using LoadedLists = std::vector<std::shared_ptr<const PostingList>>;

// An entry whose code and key are on disk.
struct FarEntry {
  uint32_t list = 0;
  uint64_t document = 0;
};

// Reads such entries; up to kFarStep at a time, or as many as the limit.
class FarReader {
 public:
  virtual ~FarReader() = default;
  // Tells `take` the code and key of entries[i], in any order, with views that end with the call.
  // One that cannot be read is passed over: the caller knows.
  virtual void Read(
      std::span<const FarEntry> entries,
      absl::FunctionRef<void(size_t i, const CodeView& code, std::string_view key)> take) = 0;
};
inline constexpr size_t kFarStep = 32;

struct ListSearch {
  size_t limit = 10;

  // Numbered lists are looked into until so many entries were scanned; the check comes after each
  // list. The greatest number: all lists.
  size_t entries = std::numeric_limits<size_t>::max();

  // Only entries that are accepted use up `entries`: then a filter that lets one in ten through
  // makes the search look into ten times the lists. Entries whose bound rules them out are not
  // shown to `accept`; they count by the share of those that were.
  bool filtered = false;

  // Must be there if a list has no codes in memory. Of each search at most limit +
  // kCandidatesExtraMax entries are read.
  FarReader* far = nullptr;
};

struct ListHit {
  uint64_t document = 0;
  std::string_view key;  // lives as long as the table, ListHits::loaded and ListHits::keys
  float score = 0;       // by the code, corrected
  float margin = 0;      // how far the exact score can be from it
};

struct ListHits {
  std::vector<ListHit> hits;  // greatest score first; ties: the lower document
  LoadedLists loaded;
  std::deque<std::string> keys;  // of those that were read
};

// What a search did.
struct ListStats {
  size_t lists = 0;    // looked into, without list 0
  size_t entries = 0;  // scanned, with those of list 0
  size_t scored = 0;   // compared by int8 codes, without those of list 0
  size_t read = 0;     // of these from disk
};

// The best `limit` accepted entries among those looked into. List 0 is always looked into.
ListHits SearchLists(const ListTable& table, const ListQuery& query, const ListSearch& search,
                     AcceptEntry accept, LoadList load, ListStats* stats = nullptr);

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

#endif  // LIBKV_SRC_VECTOR_LIST_SEARCH_H_
