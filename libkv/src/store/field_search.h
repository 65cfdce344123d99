// What a search does with fields: documents that pass its filters, facets, the order of hits.
//
// Filters walk over field rows, and so do facets and sort unless there are few matches: then the
// records of those are read. Documents are known by their ids. Matches are a bit each: of
// their ordinals in each part, of their ids where rows are compared with them.
#ifndef LIBKV_SRC_STORE_FIELD_SEARCH_H_
#define LIBKV_SRC_STORE_FIELD_SEARCH_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/engine.h"
#include "index/space_table.h"
#include "index/text_part.h"
#include "libkv/search.h"
#include "store/hit_collector.h"
#include "text/document_set.h"
#include "text/search_plan.h"

namespace libkv {

// Ids of documents: a bit each while they are close together.
class DocumentIds {
 public:
  DocumentIds() = default;
  // All of `ids` are added later.
  DocumentIds(uint64_t first, uint64_t last, uint64_t count);
  void Add(uint64_t id);
  bool Contains(uint64_t id) const;
  uint64_t count() const { return count_; }

 private:
  uint64_t first_ = 0, count_ = 0;
  std::vector<uint64_t> words_;        // from first_ on; or
  absl::flat_hash_set<uint64_t> ids_;  // those far apart
  bool is_dense_ = false;
};

// One space of a search, as the snapshot knows it.
struct FieldSpace {
  const ActiveSpace* space = nullptr;
  uint32_t search = 0;  // the caller's number of it
  std::span<const std::unique_ptr<PartReader>> readers;
  std::span<const DocumentSet> matches;  // parallel to readers
};

class FieldSearch {
 public:
  using SteadyTime = HitCollector::SteadyTime;

  // `remembers`: it will be asked for the same filters of the same space again, and, unless they
  // let very much through, does not walk over their rows again.
  FieldSearch(const Engine& engine, const EngineSnapshot* rows, SteadyTime deadline,
              bool remembers = false)
      : engine_(engine), read_{.snapshot = rows}, deadline_(deadline), remembers_(remembers) {}

  // Of each part the documents that pass each filter. FailedPrecondition: a field is being built.
  // In a space that does not index the field nothing passes.
  absl::StatusOr<std::vector<std::vector<DocumentSet>>> Passing(
      const ActiveSpace& space, std::span<const SearchPlan::Filter> filters,
      std::span<const std::unique_ptr<PartReader>> readers);

  // The ids of the documents with a value in one of `ranges`, ascending. They live until the next
  // call.
  absl::StatusOr<std::span<const uint64_t>> DocumentsIn(const ActiveSpace& space,
                                                        std::span<const FieldFilter> ranges);

  // The ids of the documents that pass all of `filters`, at least one, ascending.
  absl::StatusOr<std::vector<uint64_t>> DocumentsPassing(const ActiveSpace& space,
                                                         std::span<const FieldFilter> filters);

  // The values of a field that the matches of all spaces have.
  absl::StatusOr<Facet> Count(const FacetOptions& facet, std::span<const FieldSpace> spaces,
                              const DocumentIds& matches);

  // The first `limit` matches after `after`, in the order of a field; without scores.
  struct Sorted {
    FoundHit hit;
    std::optional<FieldValue> value;
  };
  absl::StatusOr<std::vector<Sorted>> Sort(const SortOptions& sort, size_t limit,
                                           const std::optional<SearchAfter>& after,
                                           std::span<const FieldSpace> spaces,
                                           const DocumentIds& matches);

  SteadyTime deadline() const { return deadline_; }
  bool is_partial() const { return is_partial_; }  // the deadline has passed

 private:
  bool GoOn();
  absl::StatusOr<Facet> CountFew(const FacetOptions& facet, std::span<const FieldSpace> spaces);

  const Engine& engine_;
  const EngineRead read_;
  const SteadyTime deadline_;
  const bool remembers_;
  struct Walk {
    std::vector<FieldFilter> ranges;
    std::vector<uint64_t> documents;
  };
  std::vector<Walk> walks_;  // the last one, or all
  size_t remembered_ = 0;    // ids in them
  uint64_t rows_ = 0;
  bool is_partial_ = false;
};

// The ids of all matches of `spaces`.
DocumentIds IdsOf(std::span<const FieldSpace> spaces);

// Ascending, each once. Ids that are close together go through a bit each instead of a sort.
void SortIds(std::vector<uint64_t>* ids);

// InvalidArgument: NaN, too many or too much. FailedPrecondition: none of `spaces` indexes a field
// that is named.
absl::Status CheckFilters(std::span<const FieldFilter> filters,
                          std::span<const ActiveSpace* const> spaces);
absl::Status CheckFields(const SearchOptions& options, std::span<const ActiveSpace* const> spaces);

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_FIELD_SEARCH_H_
