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
#include "store/field_search.h"
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
  // Parallel to readers: what passes each filter of the plan; what matched, if fields are counted
  // or sorted by.
  std::vector<std::vector<DocumentSet>> passing;
  std::vector<DocumentSet> matches;

  std::vector<const PostingsSource*> Sources() const {
    std::vector<const PostingsSource*> sources;
    for (const auto& reader : readers) sources.push_back(&reader->postings());
    return sources;
  }
  size_t NumberOf(const PartReader* wanted_reader) const {
    size_t number = 0;
    while (readers[number].get() != wanted_reader) ++number;
    return number;
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
    const size_t number = search.NumberOf(reader);
    auto parts = search.plan.Explain(reader->postings(), search.statistics, scoring, ordinals,
                                     search.passing[number]);
    for (size_t k = 0; k < own.size(); ++k) explanations[own[k]] = std::move(parts[k]);
  }
  return explanations;
}

// Names that a query may use for filters.
std::vector<std::string> FieldNames(std::span<const ActiveSpace* const> spaces) {
  std::vector<std::string> names;
  for (const ActiveSpace* space : spaces) {
    const std::vector<std::string>& fields = space->definition().fields;
    for (size_t f = 0; f < fields.size(); ++f) {
      if (space->definition().IsIndexed(f)) names.push_back(fields[f]);
    }
  }
  return names;
}

// What the walks over field rows make of the matches.
absl::Status TakeFields(const SearchOptions& options, const std::vector<SpaceSearch>& searches,
                        FieldSearch* fields, std::vector<FieldSearch::Sorted>* sorted,
                        SearchResult* result) {
  std::vector<FieldSpace> spaces;
  for (size_t s = 0; s < searches.size(); ++s) {
    const SpaceSearch& search = searches[s];
    spaces.push_back({search.space, static_cast<uint32_t>(s), search.readers, search.matches});
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

double SumOf(const std::vector<ScorePart>& parts) {
  double sum = 0;
  for (const ScorePart& part : parts) sum += part.score;
  return sum;
}

std::string DidYouMean(const std::vector<SpaceSearch>& searches, std::string_view query,
                       const std::vector<std::string>& fields, ExpansionBudget* budget) {
  for (const SpaceSearch& search : searches) {
    std::string better =
        CorrectQuery(query, *search.space->analyzer(), search.Sources(), budget, &fields);
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
  const std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(options.snapshot);
  std::vector<const ActiveSpace*> spaces;  // as the snapshot knows them
  bool has_text = false;
  for (const ActiveSpace* space : Spaces().Overlapping(options.prefix)) {
    if (space->analyzer() == nullptr) continue;
    has_text = true;
    const ActiveSpace* const captured = snapshot->SpaceOf(*space);
    if (captured != nullptr) spaces.push_back(captured);  // else younger than the snapshot
  }
  if (!has_text) return NoTextUnder(options.prefix);
  LIBKV_RETURN_IF_ERROR(CheckFields(options, spaces));
  const std::vector<std::string> names = FieldNames(spaces);
  LIBKV_ASSIGN_OR_RETURN(const ParsedQuery parsed, ParseQuery(query, options.strict, &names));
  SearchResult result;
  result.warnings = parsed.warnings;

  const uint64_t sequence = snapshot->rows->sequence();
  const int64_t now = Now();
  const bool is_sorted = !options.sort.field.empty();
  const bool takes_all = is_sorted || !options.facets.empty();
  static const std::optional<SearchAfter> kFromStart;
  HitCollector collector(is_sorted ? 0 : options.limit + options.offset,
                         takes_all ? kCountAll : options.count_up_to,
                         is_sorted ? kFromStart : options.after, deadline);
  FieldSearch fields(*engine_, snapshot->rows.get(), deadline);
  std::vector<SpaceSearch> searches;
  ExpansionBudget budget;
  for (const ActiveSpace* space : spaces) {
    const std::shared_ptr<const SpaceView> view = snapshot->ViewOf(*space);
    const auto number = static_cast<uint32_t>(searches.size());
    SpaceSearch& search = searches.emplace_back(
        SpaceSearch{space,
                    view,
                    SearchPlan::Make(parsed.root, *space->analyzer(), options.filters),
                    {},
                    {},
                    {},
                    {},
                    {}});
    for (const TextPart* part : LargestFirst(*view)) {
      search.readers.push_back(part->NewReader({sequence, now, options.prefix}));
    }
    search.plan.Expand(search.Sources(), options.typos, &budget);
    search.wanted = search.plan.WantedTerms();
    search.statistics = StatisticsOf(search);
    AddWarnings(search.plan.warnings(), &result.warnings);
    search.matches.resize(search.readers.size());
    LIBKV_ASSIGN_OR_RETURN(search.passing,
                           fields.Passing(*space, search.plan.filters(), search.readers));
    if (search.plan.MatchesNothing()) continue;
    for (size_t r = 0; r < search.readers.size() && !collector.is_partial(); ++r) {
      const PartReader& reader = *search.readers[r];
      PartCollector sink(&collector, &reader, number, takes_all ? &search.matches[r] : nullptr);
      search.plan.Run(reader.postings(), search.statistics, scoring, &sink, search.passing[r]);
    }
    if (collector.is_partial()) break;
  }
  std::vector<FieldSearch::Sorted> sorted;
  if (takes_all) LIBKV_RETURN_IF_ERROR(TakeFields(options, searches, &fields, &sorted, &result));
  result.is_partial = collector.is_partial() || fields.is_partial();
  result.total = collector.total();
  result.total_is_exact = !collector.left_some_out() && !result.is_partial;
  if ((options.typos || result.total == 0) && !result.is_partial) {
    result.did_you_mean = DidYouMean(searches, query, names, &budget);
  }

  std::vector<FoundHit> found = collector.TakeSorted();
  for (const FieldSearch::Sorted& entry : sorted) found.push_back(entry.hit);
  const size_t skipped = std::min(options.offset, found.size());
  const auto shown = std::span(found).subspan(skipped);
  std::vector<std::vector<ScorePart>> explanations(shown.size());
  if (options.explain || is_sorted) explanations = ExplainAll(searches, scoring, shown);
  for (size_t i = 0; i < shown.size(); ++i) {
    Hit hit{.key = shown[i].Key(), .score = shown[i].score};
    if (is_sorted) {
      hit.score = SumOf(explanations[i]);
      hit.value = std::move(sorted[skipped + i].value);
    }
    if (options.explain) hit.explanation = std::move(explanations[i]);
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
