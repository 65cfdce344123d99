// One search by words, step by step: 1. open the spaces; 2. give each a plan; 3. run them; 4. say
// more of the best hits. Searching by a query and by the words of a value differ in step 2.
#ifndef LIBKV_SRC_STORE_TEXT_SEARCH_H_
#define LIBKV_SRC_STORE_TEXT_SEARCH_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/space_table.h"
#include "libkv/search.h"
#include "store/field_search.h"
#include "store/hit_collector.h"
#include "text/document_set.h"
#include "text/expansion.h"
#include "text/query.h"
#include "text/scoring.h"
#include "text/search_plan.h"

namespace libkv {

class StoreSnapshot;

// InvalidArgument: k1 or b out of their ranges.
absl::StatusOr<Scoring> MakeScoring(Ranking ranking, double k1, double b);

// FailedPrecondition: there is nothing to be searched.
absl::Status NoTextUnder(std::string_view prefix);

// When a search must be over; 0: never.
HitCollector::SteadyTime DeadlineOf(std::chrono::milliseconds time_limit);

// Those of `from` that are not there yet.
void AddWarnings(const std::vector<std::string>& from, std::vector<std::string>* to);

// What the parts of a hit's score add up to.
double SumOf(const std::vector<ScorePart>& parts);

// The fields of `space` that a query may name.
std::vector<std::string> FilterNames(const ActiveSpace& space);

// What is searched in one space.
struct SpaceSearch {
  const ActiveSpace* space;
  std::shared_ptr<const SpaceView> view;
  std::vector<std::unique_ptr<PartReader>> readers;
  std::vector<const PostingsSource*> sources;  // of the readers
  SearchPlan plan;
  std::vector<std::string> wanted;  // terms of the query, for excerpts
  CollectionStatistics statistics;  // for the plan as it was run last
  const ActiveSpace* captured;      // the space as the snapshot knows it: fields come and go
  // Parallel to readers: what passes each filter of the plan; what matched, if Run was asked for
  // it.
  std::vector<std::vector<DocumentSet>> passing;
  std::vector<DocumentSet> matches;

  // In how many documents each of `terms` stands, the dead included.
  std::vector<uint64_t> DocumentFrequencies(const std::vector<std::string>& terms) const;
  uint64_t document_count() const;
  std::span<const DocumentSet> PassingOf(size_t reader) const {
    return passing.empty() ? std::span<const DocumentSet>() : passing[reader];
  }

  std::string TextOf(std::string_view value) const;  // that is indexed
};

// Belongs to one thread.
class TextSearch {
 public:
  // Opens the spaces of `table` with text and keys under `prefix`, but for those that are younger
  // than `snapshot`. FailedPrecondition: no space there has text.
  static absl::StatusOr<TextSearch> Open(const SpaceTable& table, const StoreSnapshot& snapshot,
                                         int64_t now, const std::string& prefix,
                                         const Scoring& scoring);

  // The same of one space only. FailedPrecondition: it has no text.
  static absl::StatusOr<TextSearch> OpenOne(const ActiveSpace& space, const StoreSnapshot& snapshot,
                                            int64_t now, const std::string& prefix,
                                            const Scoring& scoring);

  std::vector<SpaceSearch>& spaces() { return spaces_; }
  const std::vector<SpaceSearch>& spaces() const { return spaces_; }
  const SpaceSearch& SpaceOf(const FoundHit& hit) const { return spaces_[hit.search]; }

  // The spaces as the snapshot knows them; the names that a query may use for filters.
  std::vector<const ActiveSpace*> CapturedSpaces() const;
  std::vector<std::string> FieldNames() const;

  // Makes the plans of a query, with what its prefixes and misspelt words stand for.
  void Plan(const QueryNode& query, std::span<const FieldFilter> filters, bool typos,
            ExpansionBudget* budget, std::vector<std::string>* warnings);

  // The query with words that some value has; empty: there is nothing better. `names` as above.
  std::string DidYouMean(std::string_view query, const std::vector<std::string>& names,
                         ExpansionBudget* budget) const;

  // Looks up what passes the filters of the plans: before the first Run, if they have any.
  absl::Status ApplyFilters(FieldSearch* fields);

  // Shows all matches of the plans to `collector`. May be done again after plans have changed. With
  // `keeps_matches` they are noted in SpaceSearch::matches.
  void Run(HitCollector* collector, bool keeps_matches = false);

  // Of the last run; parallel to `found`.
  std::vector<std::vector<ScorePart>> Explain(std::span<const FoundHit> found) const;

  // What went wrong while the index was read: nothing that was found is to be used then.
  absl::Status status() const;

 private:
  explicit TextSearch(const Scoring& scoring) : scoring_(scoring) {}
  void Add(const ActiveSpace& space, const StoreSnapshot& snapshot, int64_t now,
           const std::string& prefix);

  Scoring scoring_;
  std::vector<SpaceSearch> spaces_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_TEXT_SEARCH_H_
