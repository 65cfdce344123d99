// Searching by words: the query becomes a plan, what its prefixes and misspelt words stand for is
// looked up, the plan runs over the index of each space in
// question, the best hits are kept, and only those are read for their excerpts.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>

#include "absl/functional/function_ref.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/top_k.h"
#include "store/store_impl.h"
#include "text/correction.h"
#include "text/excerpt.h"
#include "text/json_text.h"
#include "text/query_parser.h"
#include "text/search_plan.h"

namespace libkv {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// What is searched in one space.
struct SpaceSearch {
  const ActiveSpace* space;
  std::shared_ptr<SpaceIndex> contents;
  SearchPlan plan;
  CollectionStatistics statistics;
  std::vector<std::string> wanted;  // terms, for excerpts

  const PostingsSource* part() const { return &contents->delta(); }
};

struct Found {
  double score = 0;
  const DocumentEntry* entry = nullptr;
  uint32_t ordinal = 0;
  uint32_t search = 0;  // number of its SpaceSearch
};

struct Better {
  bool operator()(const Found& a, const Found& b) const {
    return a.score != b.score ? a.score > b.score : a.entry->key < b.entry->key;
  }
};

bool ComesAfter(const DocumentEntry& entry, double score, const SearchAfter& after) {
  return score != after.score ? score < after.score : entry.key > after.key;
}

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

absl::Status NoTextUnder(std::string_view prefix) {
  return FailedPrecondition("no space under prefix '", Printable(prefix),
                            "' indexes text: set Space::text");
}

// Scoring as the options say; InvalidArgument: they are out of bounds.
absl::StatusOr<Scoring> ScoringOf(const SearchOptions& options) {
  if (!(options.bm25_k1 >= 0 && options.bm25_k1 <= kBm25K1Max)) {
    return InvalidArgument("bm25_k1 must be from 0 to ", kBm25K1Max);
  }
  if (!(options.bm25_b >= 0 && options.bm25_b <= 1)) {
    return InvalidArgument("bm25_b must be from 0 to 1");
  }
  return Scoring{options.ranking, options.bm25_k1, options.bm25_b};
}

// Every visible match of one space, until the time is over.
class SpaceSink final : public MatchSink {
 public:
  SpaceSink(SteadyTime deadline, absl::FunctionRef<void(uint32_t ordinal, double score)> visit)
      : deadline_(deadline), visit_(visit) {}
  bool Visit(uint32_t ordinal, double score) override {
    visit_(ordinal, score);
    return true;
  }
  bool GoOn() override {
    is_late_ = std::chrono::steady_clock::now() >= deadline_;
    return !is_late_;
  }
  bool is_late() const { return is_late_; }

 private:
  const SteadyTime deadline_;
  const absl::FunctionRef<void(uint32_t ordinal, double score)> visit_;
  bool is_late_ = false;
};

// The explanations of `found`, parallel to it. Each space is walked once, in its own order.
std::vector<std::vector<ScorePart>> ExplainAll(const std::vector<SpaceSearch>& searches,
                                               const Scoring& scoring,
                                               std::span<const Found> found) {
  std::vector<std::vector<ScorePart>> explanations(found.size());
  for (size_t s = 0; s < searches.size(); ++s) {
    std::vector<std::pair<uint32_t, size_t>> own;  // ordinal, place in `found`
    for (size_t i = 0; i < found.size(); ++i) {
      if (found[i].search == s) own.emplace_back(found[i].ordinal, i);
    }
    std::sort(own.begin(), own.end());
    std::vector<uint32_t> ordinals;
    for (const auto& [ordinal, i] : own) ordinals.push_back(ordinal);
    auto parts =
        searches[s].plan.Explain(*searches[s].part(), searches[s].statistics, scoring, ordinals);
    for (size_t k = 0; k < own.size(); ++k) explanations[own[k].second] = std::move(parts[k]);
  }
  return explanations;
}

std::string DidYouMean(const std::vector<SpaceSearch>& searches, std::string_view query,
                       ExpansionBudget* budget) {
  for (const SpaceSearch& search : searches) {
    const PostingsSource* const parts[] = {search.part()};
    std::string better = CorrectQuery(query, *search.space->analyzer(), parts, budget);
    if (!better.empty()) return better;
  }
  return {};
}

}  // namespace

absl::StatusOr<SearchResult> Store::Impl::Search(const SearchOptions& options,
                                                 std::string_view query) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  if (options.limit > kSearchLimitMax || options.offset > kSearchLimitMax - options.limit) {
    return InvalidArgument("limit + offset must be at most ", kSearchLimitMax);
  }
  if (options.after.has_value() && std::isnan(options.after->score)) {
    return InvalidArgument("the score to go on after is not a number");
  }
  LIBKV_ASSIGN_OR_RETURN(const Scoring scoring, ScoringOf(options));
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
  std::vector<SpaceSearch> searches;
  ExpansionBudget budget;
  bool has_text = false;
  for (const ActiveSpace* space : Spaces().Overlapping(options.prefix)) {
    if (space->analyzer() == nullptr) continue;
    has_text = true;
    std::shared_ptr<SpaceIndex> contents = snapshot->ContentsOf(*space);
    if (contents == nullptr) continue;  // younger than the snapshot
    const auto number = static_cast<uint32_t>(searches.size());
    searches.push_back(
        {space, contents, SearchPlan::Make(parsed.root, *space->analyzer()), {}, {}});
    SpaceSearch& search = searches.back();
    const PostingsSource* const parts[] = {search.part()};
    search.plan.Expand(parts, options.typos, &budget);
    search.wanted = search.plan.WantedTerms();
    search.statistics = StatisticsOf(*contents, search.plan);
    AddWarnings(search.plan.warnings(), &result.warnings);
    if (search.plan.MatchesNothing()) continue;

    const auto visit = [&](uint32_t ordinal, double score) {
      const DocumentEntry& entry = contents->documents()[ordinal];
      if (!entry.VisibleAt(sequence, now) || !entry.key.starts_with(options.prefix)) return;
      ++result.total;
      if (!options.after.has_value() || ComesAfter(entry, score, *options.after)) {
        best.Push({score, &entry, ordinal, number});
      }
    };
    SpaceSink sink(deadline, visit);
    search.plan.Run(*search.part(), search.statistics, scoring, &sink);
    result.is_partial = sink.is_late();
    if (result.is_partial) break;
  }
  if (!has_text) return NoTextUnder(options.prefix);
  if ((options.typos || result.total == 0) && !result.is_partial) {
    result.did_you_mean = DidYouMean(searches, query, &budget);
  }

  const std::vector<Found> found = best.TakeSorted();
  const auto shown = std::span(found).subspan(std::min(options.offset, found.size()));
  std::vector<std::vector<ScorePart>> explanations(shown.size());
  if (options.explain) explanations = ExplainAll(searches, scoring, shown);
  for (size_t i = 0; i < shown.size(); ++i) {
    Hit hit{.key = shown[i].entry->key,
            .score = shown[i].score,
            .explanation = std::move(explanations[i])};
    if (options.excerpt_bytes > 0) {
      PinnedValue pinned;
      Record record;
      // The snapshot shows exactly the value that was found; a damaged one has no excerpt.
      const absl::Status status =
          ReadLive({.snapshot = snapshot->rows.get()}, hit.key, &pinned, &record);
      if (status.ok()) {
        const SpaceSearch& search = searches[shown[i].search];
        hit.excerpt = MakeExcerpt(IndexedText(record.value, search.space->definition().text_fields),
                                  search.wanted, *search.space->analyzer(), options.excerpt_bytes);
      }
    }
    result.hits.push_back(std::move(hit));
  }
  return result;
}

absl::StatusOr<std::vector<Suggestion>> Store::Impl::Suggest(const SuggestOptions& options,
                                                             std::string_view text) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  if (options.limit > kSuggestLimitMax) {
    return InvalidArgument("limit must be at most ", kSuggestLimitMax);
  }
  const std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(nullptr);
  std::vector<std::shared_ptr<SpaceIndex>> contents;
  std::vector<const PostingsSource*> parts;
  bool has_text = false;
  for (const ActiveSpace* space : Spaces().Overlapping(options.prefix)) {
    if (space->analyzer() == nullptr) continue;
    has_text = true;
    contents.push_back(snapshot->ContentsOf(*space));
    if (contents.back() != nullptr) parts.push_back(&contents.back()->delta());
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
  return suggestions;
}

}  // namespace libkv
