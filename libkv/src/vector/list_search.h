// Search in lists, as deep as it is told. Comparing everything: exact_candidates.h.
//
// SearchLists looks into the lists whose centroids are nearest. The one-bit codes of a list bound
// every score (vector/one_bit.h); an int8 code is read only if the bound reaches the current
// `limit`-th best score.
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

  // And until n (d / r)^8 reaches this: n entries were scanned, d is the distance of the next
  // list's centroid, r that of the `limit`-th best so far. So a query whose best are nearer than
  // the lists that are left stops early, and others go on. Not with inner products.
  double depth = std::numeric_limits<double>::infinity();
  // With a depth: how many entries are usually scanned. A hint for how many lists to choose.
  size_t usual_entries = 0;

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

// The same for one of many queries.
using AcceptEntryFor = absl::FunctionRef<bool(size_t query, const BlockEntry& entry)>;

// What SearchLists finds in all lists, for many queries: each list is read once for all of them,
// which is several times as fast. Codes must be in memory.
std::vector<ListHits> SearchAllLists(const ListTable& table,
                                     std::span<const ListQuery* const> queries, size_t limit,
                                     AcceptEntryFor accept, LoadList load);

// A search came to the end of a list.
struct SearchStep {
  // Searches with more entries or a greater depth than this look into the list, too.
  double entries = 0, depth = 0;
  size_t scanned = 0;  // entries, with those of the list
  // Whether the best have changed since the last step that said so, and these, in any order.
  bool has_new_best = false;
  std::span<const uint64_t> best;
};
using WatchStep = absl::FunctionRef<void(const SearchStep& step)>;

// What every search with fewer entries, or every one with a smaller depth, would answer, in one go:
// `watch` is told every step, but not what is best within the first some hundred entries. Codes
// must be in memory.
void WatchSearch(const ListTable& table, const ListQuery& query, const ListSearch& search,
                 AcceptEntry accept, LoadList load, WatchStep watch);

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_LIST_SEARCH_H_
