// Searching by words: the query becomes a plan, what its prefixes and misspelt words stand for is
// looked up, the plan runs over the parts of each space in question, the best hits are kept, and
// only those are read for their excerpts. With feedback, the plan runs twice: what the first best
// hits have in common joins it for the second time.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/store_impl.h"
#include "store/text_search.h"
#include "text/correction.h"
#include "text/excerpt.h"
#include "text/feedback.h"
#include "text/query_parser.h"

namespace libkv {
namespace {

using SteadyTime = HitCollector::SteadyTime;

absl::Status CheckOptions(const SearchOptions& options) {
  if (options.limit > kSearchLimitMax || options.offset > kSearchLimitMax - options.limit) {
    return InvalidArgument("limit + offset must be at most ", kSearchLimitMax);
  }
  if (options.excerpt_count > kExcerptCountMax) {
    return InvalidArgument("excerpt_count must be at most ", kExcerptCountMax);
  }
  if (options.after.has_value() && std::isnan(options.after->score)) {
    return InvalidArgument("the score to go on after is not a number");
  }
  const Feedback& feedback = options.feedback;
  if (feedback.documents > kFeedbackDocumentsMax || feedback.terms > kFeedbackTermsMax) {
    return InvalidArgument("feedback takes at most ", kFeedbackDocumentsMax, " documents and ",
                           kFeedbackTermsMax, " terms");
  }
  if (!(feedback.weight >= 0 && feedback.weight <= 1)) {
    return InvalidArgument("the weight of the query beside feedback must be from 0 to 1");
  }
  return absl::OkStatus();
}

// What the walks over field rows make of the matches.
absl::Status TakeFields(const SearchOptions& options, TextSearch& search, FieldSearch* fields,
                        std::vector<FieldSearch::Sorted>* sorted, SearchResult* result) {
  std::vector<FieldSpace> spaces;
  for (const SpaceSearch& in : search.spaces()) {
    spaces.push_back({in.captured, static_cast<uint32_t>(spaces.size()), in.readers, in.matches});
  }
  const DocumentIds ids = IdsOf(spaces);
  for (const FacetOptions& facet : options.facets) {
    LIBKV_ASSIGN_OR_RETURN(Facet counted, fields->Count(facet, spaces, ids));
    result->facets.push_back(std::move(counted));
  }
  if (options.sort.field.empty()) return absl::OkStatus();
  LIBKV_ASSIGN_OR_RETURN(*sorted, fields->Sort(options.sort, options.limit + options.offset,
                                               options.after, spaces, ids));
  return absl::OkStatus();
}

// Scores and values of hits that a field has put in order.
void ScoreSorted(const TextSearch& search, std::span<FieldSearch::Sorted> sorted,
                 std::span<FoundHit> found, std::vector<std::optional<FieldValue>>* values) {
  const std::vector<std::vector<ScorePart>> explanations = search.Explain(found);
  for (size_t i = 0; i < found.size(); ++i) {
    found[i].score = SumOf(explanations[i]);
    values->push_back(std::move(sorted[i].value));
  }
}

}  // namespace

absl::StatusOr<SearchResult> Store::Impl::Search(const SearchOptions& options,
                                                 std::string_view query) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  LIBKV_RETURN_IF_ERROR(CheckOptions(options));
  LIBKV_ASSIGN_OR_RETURN(const Scoring scoring,
                         MakeScoring(options.ranking, options.bm25_k1, options.bm25_b));
  const SteadyTime deadline = DeadlineOf(options.time_limit);
  const std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(options.snapshot);
  LIBKV_ASSIGN_OR_RETURN(TextSearch search,
                         TextSearch::Open(Spaces(), *snapshot, Now(), options.prefix, scoring));

  LIBKV_RETURN_IF_ERROR(CheckFields(options, search.CapturedSpaces()));
  const std::vector<std::string> names = search.FieldNames();
  LIBKV_ASSIGN_OR_RETURN(const ParsedQuery parsed, ParseQuery(query, options.strict, &names));

  SearchResult result;
  result.warnings = parsed.warnings;
  ExpansionBudget budget;
  search.Plan(parsed.root, options.filters, options.typos, &budget, &result.warnings);
  FieldSearch fields(*engine_, snapshot->rows.get(), deadline);
  LIBKV_RETURN_IF_ERROR(search.ApplyFilters(&fields));
  if (options.feedback.documents > 0) AddFeedback(options.feedback, *snapshot, deadline, &search);
  const bool is_sorted = !options.sort.field.empty();
  const bool takes_all = is_sorted || !options.facets.empty();
  const std::optional<SearchAfter> from_the_start;
  HitCollector collector(is_sorted ? 0 : options.limit + options.offset,
                         takes_all ? kCountAll : options.count_up_to,
                         is_sorted ? from_the_start : options.after, deadline);
  search.Run(&collector, takes_all);
  std::vector<FieldSearch::Sorted> sorted;
  if (takes_all) LIBKV_RETURN_IF_ERROR(TakeFields(options, search, &fields, &sorted, &result));
  result.is_partial = collector.is_partial() || fields.is_partial();
  result.total = collector.total();
  result.total_is_exact = !collector.left_some_out() && !result.is_partial;
  if ((options.typos || result.total == 0) && !result.is_partial) {
    result.did_you_mean = search.DidYouMean(query, names, &budget);
  }
  std::vector<FoundHit> found = collector.TakeSorted();
  for (const FieldSearch::Sorted& entry : sorted) found.push_back(entry.hit);
  const size_t skipped = std::min(options.offset, found.size());
  const auto shown = std::span(found).subspan(skipped);
  std::vector<std::optional<FieldValue>> values(is_sorted ? 0 : shown.size());
  if (is_sorted) ScoreSorted(search, std::span(sorted).subspan(skipped), shown, &values);
  ReadKeys(shown);
  for (size_t i = 0; i < shown.size(); ++i) {
    result.hits.push_back({.key = shown[i].Key(), .score = shown[i].score});
    result.hits.back().value = std::move(values[i]);
  }
  if (options.explain) AddExplanations(search, shown, &result.hits);
  for (size_t i = 0; i < shown.size() && options.excerpt_bytes > 0; ++i) {
    Hit& hit = result.hits[i];
    hit.excerpts = ExcerptsOf(search.SpaceOf(shown[i]), *snapshot, hit.key, options.excerpt_bytes,
                              options.excerpt_count);
  }
  LIBKV_RETURN_IF_ERROR(search.status());
  return result;
}

void Store::Impl::AddFeedback(const Feedback& feedback, const StoreSnapshot& snapshot,
                              std::chrono::steady_clock::time_point deadline,
                              TextSearch* search) const {
  const std::optional<SearchAfter> from_the_start;
  // Matches need not be counted.
  HitCollector collector(feedback.documents, /*count_up_to=*/0, from_the_start, deadline);
  search->Run(&collector);
  std::vector<FeedbackText> texts;
  for (const FoundHit& hit : collector.TakeSorted()) {
    if (std::chrono::steady_clock::now() >= deadline) return;
    PinnedValue pinned;
    Record record;
    const absl::Status status =
        ReadLive({.snapshot = snapshot.rows.get()}, hit.Key(), &pinned, &record);
    if (status.ok()) texts.push_back({search->SpaceOf(hit).TextOf(record.value), hit.score});
  }
  for (SpaceSearch& in : search->spaces()) {
    in.plan.AddTerms(RelevanceModel(texts, *in.space->analyzer(), feedback.terms), feedback.weight);
  }
}

void Store::Impl::AddExplanations(const TextSearch& search, std::span<const FoundHit> found,
                                  std::vector<Hit>* hits) {
  std::vector<std::vector<ScorePart>> explanations = search.Explain(found);
  for (size_t i = 0; i < found.size(); ++i) (*hits)[i].explanation = std::move(explanations[i]);
}

std::vector<Excerpt> Store::Impl::ExcerptsOf(const SpaceSearch& in, const StoreSnapshot& snapshot,
                                             std::string_view key, size_t bytes,
                                             size_t count) const {
  PinnedValue pinned;
  Record record;
  // The snapshot shows exactly the value that was found; a damaged one has no excerpt.
  if (!ReadLive({.snapshot = snapshot.rows.get()}, key, &pinned, &record).ok()) return {};
  return MakeExcerpts(in.TextOf(record.value), in.wanted, *in.space->analyzer(), bytes, count);
}

absl::StatusOr<std::vector<Suggestion>> Store::Impl::Suggest(const SuggestOptions& options,
                                                             std::string_view text) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  if (options.limit > kSuggestLimitMax) {
    return InvalidArgument("limit must be at most ", kSuggestLimitMax);
  }
  const std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(nullptr);
  std::vector<std::unique_ptr<PartReader>> readers;
  std::vector<const PostingsSource*> parts;
  bool has_text = false;
  for (const ActiveSpace* space : Spaces().Overlapping(options.prefix)) {
    if (space->analyzer() == nullptr) continue;
    has_text = true;
    const std::shared_ptr<const SpaceView> view = snapshot->ViewOf(*space);
    if (view == nullptr) continue;
    for (const TextPart* part : view->parts()) {
      readers.push_back(part->NewReader({}));
      parts.push_back(&readers.back()->postings());
    }
  }
  if (!has_text) return NoTextUnder(options.prefix);

  std::vector<Suggestion> suggestions;
  LastWord last;
  if (!FindLastWord(text, &last)) return suggestions;
  ExpansionBudget budget;
  StringMap<size_t> places;  // analyzers may disagree about the term of a word
  for (ExpandedWord& word : ExpandPrefix(parts, last.folded, options.limit, &budget).words) {
    const auto [it, is_new] = places.try_emplace(word.word, suggestions.size());
    if (!is_new) {
      suggestions[it->second].documents += word.documents;
      continue;
    }
    suggestions.push_back(
        {Concat(text.substr(0, last.begin), word.word), std::move(word.word), word.documents});
  }
  std::stable_sort(
      suggestions.begin(), suggestions.end(),
      [](const Suggestion& a, const Suggestion& b) { return a.documents > b.documents; });
  for (const auto& reader : readers) LIBKV_RETURN_IF_ERROR(reader->status());
  return suggestions;
}

}  // namespace libkv
