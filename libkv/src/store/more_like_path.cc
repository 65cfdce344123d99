// Values like another one: its most telling words become a plan, which then runs as a query does.
#include <algorithm>
#include <chrono>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/store_impl.h"
#include "store/text_search.h"
#include "text/json_text.h"
#include "text/more_like.h"

namespace libkv {
namespace {

SearchPlan PlanFor(std::string_view text, size_t terms, bool is_own_space, const SpaceSearch& in) {
  const std::vector<TermCount> candidates =
      TellingCandidates(CountTerms(text, *in.space->analyzer()));
  std::vector<std::string> names;
  for (const TermCount& candidate : candidates) names.push_back(candidate.term);
  // In its own space the value itself has every one of them.
  return SearchPlan::FromTerms(TellingTerms(candidates, in.DocumentFrequencies(names),
                                            in.document_count(), is_own_space ? 2 : 1, terms));
}

}  // namespace

absl::StatusOr<SearchResult> Store::Impl::MoreLike(const MoreLikeOptions& options,
                                                   std::string_view key) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  if (options.limit >= kSearchLimitMax) {
    return InvalidArgument("limit must be below ", kSearchLimitMax);
  }
  if (options.terms == 0 || options.terms > kMoreLikeTermsMax) {
    return InvalidArgument("terms must be from 1 to ", kMoreLikeTermsMax);
  }
  const ActiveSpace* const own = Spaces().Of(key);
  if (own == nullptr || own->analyzer() == nullptr) {
    return FailedPrecondition("key '", Printable(key), "' is in no space with text");
  }
  const std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(options.snapshot);
  LIBKV_ASSIGN_OR_RETURN(TextSearch search,
                         TextSearch::Open(Spaces(), *snapshot, Now(), options.prefix, Scoring{}));
  PinnedValue pinned;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadLive({.snapshot = snapshot->rows.get()}, key, &pinned, &record));
  const std::string text = IndexedText(record.value, own->definition().text_fields);
  bool finds_itself = false;
  for (SpaceSearch& in : search.spaces()) {
    in.plan = PlanFor(text, options.terms, in.space == own, in);
    finds_itself = finds_itself || (in.space == own && key.starts_with(options.prefix) &&
                                    !in.plan.MatchesNothing());
  }

  // One more than is wanted: the value itself goes.
  const std::optional<SearchAfter> from_the_start;
  HitCollector collector(options.limit + 1, options.count_up_to, from_the_start,
                         HitCollector::SteadyTime::max());
  search.Run(&collector);
  std::vector<FoundHit> found = collector.TakeSorted();
  ReadKeys(found);
  std::erase_if(found, [key](const FoundHit& hit) { return hit.Key() == key; });
  if (found.size() > options.limit) found.resize(options.limit);
  SearchResult result;
  result.total = collector.total() - std::min<size_t>(collector.total(), finds_itself ? 1 : 0);
  result.total_is_exact = !collector.left_some_out();
  for (const FoundHit& hit : found) result.hits.push_back({.key = hit.Key(), .score = hit.score});
  if (options.explain) AddExplanations(search, found, &result.hits);
  LIBKV_RETURN_IF_ERROR(search.status());
  return result;
}

}  // namespace libkv
