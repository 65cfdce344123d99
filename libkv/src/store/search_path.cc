// Searching by words: the query becomes a plan, what its prefixes and misspelt words stand for is
// looked up, the plan runs over the parts of each space in question, the best hits are kept, and
// only those are read for their excerpts.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <span>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/hit_collector.h"
#include "store/store_impl.h"
#include "text/correction.h"
#include "text/excerpt.h"
#include "text/json_text.h"
#include "text/query_parser.h"
#include "text/search_plan.h"

namespace libkv {
namespace {

using SteadyTime = HitCollector::SteadyTime;

// What is searched in one space.
struct SpaceSearch {
  const ActiveSpace* space;
  std::shared_ptr<const SpaceView> view;
  SearchPlan plan;
  std::vector<std::unique_ptr<PartReader>> readers;
  CollectionStatistics statistics;
  std::vector<std::string> wanted;  // terms, for excerpts

  std::vector<const PostingsSource*> Sources() const {
    std::vector<const PostingsSource*> sources;
    for (const auto& reader : readers) sources.push_back(&reader->postings());
    return sources;
  }
};

void AddWarnings(const std::vector<std::string>& from, std::vector<std::string>* to) {
  for (const std::string& warning : from) {
    if (std::find(to->begin(), to->end(), warning) == to->end()) to->push_back(warning);
  }
}

// The parts of a view, those with most documents first: what the first ones find spares work in
// the others.
std::vector<const TextPart*> LargestFirst(const SpaceView& view) {
  std::vector<const TextPart*> parts = view.parts();
  std::stable_sort(parts.begin(), parts.end(), [](const TextPart* a, const TextPart* b) {
    return a->document_count() > b->document_count();
  });
  return parts;
}

CollectionStatistics StatisticsOf(const SpaceSearch& search) {
  CollectionStatistics statistics;
  for (const TextPart* part : search.view->parts()) {
    statistics.documents += part->document_count();
    statistics.total_length += part->total_words();
  }
  const std::vector<std::string>& terms = search.plan.terms();
  statistics.document_frequencies.resize(terms.size());
  for (const PostingsSource* source : search.Sources()) {
    source->Prefetch(terms);
    for (size_t i = 0; i < terms.size(); ++i) {
      statistics.document_frequencies[i] += source->DocumentFrequency(terms[i]);
    }
  }
  return statistics;
}

absl::StatusOr<Scoring> ScoringOf(const SearchOptions& options) {
  if (!(options.bm25_k1 >= 0 && options.bm25_k1 <= kBm25K1Max)) {
    return InvalidArgument("bm25_k1 must be from 0 to ", kBm25K1Max);
  }
  if (!(options.bm25_b >= 0 && options.bm25_b <= 1)) {
    return InvalidArgument("bm25_b must be from 0 to 1");
  }
  return Scoring{options.ranking, options.bm25_k1, options.bm25_b};
}

absl::Status NoTextUnder(std::string_view prefix) {
  return FailedPrecondition("no space under prefix '", Printable(prefix),
                            "' indexes text: set Space::text");
}

// The explanations of `found`, parallel to it. Each part is walked once, in its own order.
std::vector<std::vector<ScorePart>> ExplainAll(const std::vector<SpaceSearch>& searches,
                                               const Scoring& scoring,
                                               std::span<const FoundHit> found) {
  std::vector<std::vector<ScorePart>> explanations(found.size());
  std::map<const PartReader*, std::vector<size_t>> places;  // in `found`
  for (size_t i = 0; i < found.size(); ++i) places[found[i].reader].push_back(i);
  for (auto& [reader, own] : places) {
    std::sort(own.begin(), own.end(),
              [&](size_t a, size_t b) { return found[a].ordinal < found[b].ordinal; });
    std::vector<uint32_t> ordinals;
    for (const size_t i : own) ordinals.push_back(found[i].ordinal);
    const SpaceSearch& search = searches[found[own.front()].search];
    auto parts = search.plan.Explain(reader->postings(), search.statistics, scoring, ordinals);
    for (size_t k = 0; k < own.size(); ++k) explanations[own[k]] = std::move(parts[k]);
  }
  return explanations;
}

std::string DidYouMean(const std::vector<SpaceSearch>& searches, std::string_view query,
                       ExpansionBudget* budget) {
  for (const SpaceSearch& search : searches) {
    std::string better = CorrectQuery(query, *search.space->analyzer(), search.Sources(), budget);
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
  HitCollector collector(options.limit + options.offset, options.count_up_to, options.after,
                         deadline);
  std::vector<SpaceSearch> searches;
  ExpansionBudget budget;
  bool has_text = false;
  for (const ActiveSpace* space : Spaces().Overlapping(options.prefix)) {
    if (space->analyzer() == nullptr) continue;
    has_text = true;
    std::shared_ptr<const SpaceView> view = snapshot->ViewOf(*space);
    if (view == nullptr) continue;  // younger than the snapshot
    const auto number = static_cast<uint32_t>(searches.size());
    SpaceSearch& search = searches.emplace_back(
        SpaceSearch{space, view, SearchPlan::Make(parsed.root, *space->analyzer()), {}, {}, {}});
    for (const TextPart* part : LargestFirst(*view)) {
      search.readers.push_back(part->NewReader({sequence, now, options.prefix}));
    }
    search.plan.Expand(search.Sources(), options.typos, &budget);
    search.wanted = search.plan.WantedTerms();
    search.statistics = StatisticsOf(search);
    AddWarnings(search.plan.warnings(), &result.warnings);
    if (search.plan.MatchesNothing()) continue;
    for (const auto& reader : search.readers) {
      PartCollector sink(&collector, reader.get(), number);
      search.plan.Run(reader->postings(), search.statistics, scoring, &sink);
      if (collector.is_partial()) break;
    }
    if (collector.is_partial()) break;
  }
  if (!has_text) return NoTextUnder(options.prefix);
  result.total = collector.total();
  result.total_is_exact = !collector.left_some_out() && !collector.is_partial();
  result.is_partial = collector.is_partial();
  if ((options.typos || result.total == 0) && !result.is_partial) {
    result.did_you_mean = DidYouMean(searches, query, &budget);
  }

  const std::vector<FoundHit> found = collector.TakeSorted();
  const auto shown = std::span(found).subspan(std::min(options.offset, found.size()));
  ReadKeys(shown);
  std::vector<std::vector<ScorePart>> explanations(shown.size());
  if (options.explain) explanations = ExplainAll(searches, scoring, shown);
  for (size_t i = 0; i < shown.size(); ++i) {
    Hit hit{
        .key = shown[i].Key(), .score = shown[i].score, .explanation = std::move(explanations[i])};
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
  // A part that could not be read in full has given too little.
  for (const SpaceSearch& search : searches) {
    for (const auto& reader : search.readers) LIBKV_RETURN_IF_ERROR(reader->status());
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
