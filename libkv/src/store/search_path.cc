// Searching by words: the query becomes a plan, the plan runs over the index of each space in
// question, the best hits are kept, and only those are read for their excerpts.
#include <chrono>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/top_k.h"
#include "store/store_impl.h"
#include "text/excerpt.h"
#include "text/json_text.h"
#include "text/query_parser.h"
#include "text/search_plan.h"

namespace libkv {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// Matches between two looks at the clock.
constexpr size_t kDeadlineStep = 1'024;

struct Found {
  double score = 0;
  const DocumentEntry* entry = nullptr;
  const ActiveSpace* space = nullptr;
};

struct Better {
  bool operator()(const Found& a, const Found& b) const {
    return a.score != b.score ? a.score > b.score : a.entry->key < b.entry->key;
  }
};

void AddWarnings(const std::vector<std::string>& from, std::vector<std::string>* to) {
  for (const std::string& warning : from) {
    if (std::find(to->begin(), to->end(), warning) == to->end()) to->push_back(warning);
  }
}

CollectionStatistics StatisticsOf(const SpaceIndex& contents, const SearchPlan& plan) {
  CollectionStatistics statistics{.documents = contents.document_count(),
                                  .total_length = contents.total_words()};
  for (const std::string& term : plan.terms()) {
    statistics.document_frequencies.push_back(contents.delta().DocumentFrequency(term));
  }
  return statistics;
}

}  // namespace

absl::StatusOr<SearchResult> Store::Impl::Search(const SearchOptions& options,
                                                 std::string_view query) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  if (options.limit > kSearchLimitMax || options.offset > kSearchLimitMax - options.limit) {
    return InvalidArgument("limit + offset must be at most ", kSearchLimitMax);
  }
  SteadyTime deadline = SteadyTime::max();
  if (options.time_limit.count() > 0) {
    deadline = std::chrono::steady_clock::now() + options.time_limit;
  }
  LIBKV_ASSIGN_OR_RETURN(const ParsedQuery parsed, ParseQuery(query, options.strict));
  SearchResult result;
  result.warnings = parsed.warnings;

  const std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(options.snapshot);
  const uint64_t sequence = snapshot->rows->sequence();
  const int64_t now = Now();
  TopK<Found, Better> best(options.limit + options.offset);
  std::vector<std::pair<const ActiveSpace*, std::vector<std::string>>> wanted;
  bool has_text = false;
  for (const ActiveSpace* space : Spaces().Overlapping(options.prefix)) {
    if (space->analyzer() == nullptr) continue;
    has_text = true;
    const std::shared_ptr<SpaceIndex> contents = snapshot->ContentsOf(*space);
    if (contents == nullptr) continue;  // younger than the snapshot
    const SearchPlan plan = SearchPlan::Make(parsed.root, *space->analyzer());
    AddWarnings(plan.warnings(), &result.warnings);
    wanted.emplace_back(space, plan.WantedTerms());
    if (plan.MatchesNothing()) continue;

    size_t visited = 0;
    plan.Run(contents->delta(), StatisticsOf(*contents, plan), options.ranking,
             [&](uint32_t ordinal, double score) {
               const DocumentEntry& entry = contents->documents()[ordinal];
               if (entry.VisibleAt(sequence, now) && entry.key.starts_with(options.prefix)) {
                 ++result.total;
                 best.Push({score, &entry, space});
               }
               if (++visited % kDeadlineStep != 0) return true;
               result.is_partial = std::chrono::steady_clock::now() >= deadline;
               return !result.is_partial;
             });
    if (result.is_partial) break;
  }
  if (!has_text) {
    return FailedPrecondition("no space under prefix '", Printable(options.prefix),
                              "' indexes text: set Space::text");
  }

  const std::vector<Found> found = best.TakeSorted();
  for (size_t i = std::min(options.offset, found.size()); i < found.size(); ++i) {
    Hit hit{.key = found[i].entry->key, .score = found[i].score};
    if (options.excerpt_bytes > 0) {
      PinnedValue pinned;
      Record record;
      // The snapshot shows exactly the value that was found; a damaged one has no excerpt.
      const absl::Status status =
          ReadLive({.snapshot = snapshot->rows.get()}, hit.key, &pinned, &record);
      for (const auto& [space, terms] : wanted) {
        if (space != found[i].space || !status.ok()) continue;
        hit.excerpt = MakeExcerpt(IndexedText(record.value, space->definition().text_fields), terms,
                                  *space->analyzer(), options.excerpt_bytes);
      }
    }
    result.hits.push_back(std::move(hit));
  }
  return result;
}

}  // namespace libkv
