#include "store/text_search.h"

#include <algorithm>
#include <map>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/store_impl.h"
#include "text/correction.h"
#include "text/json_text.h"

namespace libkv {
namespace {

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
  statistics.document_frequencies = search.DocumentFrequencies(search.plan.terms());
  return statistics;
}

}  // namespace

absl::StatusOr<Scoring> MakeScoring(Ranking ranking, double k1, double b) {
  if (!(k1 >= 0 && k1 <= kBm25K1Max)) {
    return InvalidArgument("bm25_k1 must be from 0 to ", kBm25K1Max);
  }
  if (!(b >= 0 && b <= 1)) return InvalidArgument("bm25_b must be from 0 to 1");
  return Scoring{ranking, k1, b};
}

absl::Status NoTextUnder(std::string_view prefix) {
  return FailedPrecondition("no space under prefix '", Printable(prefix),
                            "' indexes text: set Space::text");
}

HitCollector::SteadyTime DeadlineOf(std::chrono::milliseconds time_limit) {
  if (time_limit.count() <= 0) return HitCollector::SteadyTime::max();
  return std::chrono::steady_clock::now() + time_limit;
}

void AddWarnings(const std::vector<std::string>& from, std::vector<std::string>* to) {
  for (const std::string& warning : from) {
    if (std::find(to->begin(), to->end(), warning) == to->end()) to->push_back(warning);
  }
}

double SumOf(const std::vector<ScorePart>& parts) {
  double sum = 0;
  for (const ScorePart& part : parts) sum += part.score;
  return sum;
}

std::vector<std::string> FilterNames(const ActiveSpace& space) {
  const SpaceDefinition& definition = space.definition();
  std::vector<std::string> names;
  for (size_t f = 0; f < definition.fields.size(); ++f) {
    if (definition.IsIndexed(f)) names.push_back(definition.fields[f]);
  }
  return names;
}

std::vector<uint64_t> SpaceSearch::DocumentFrequencies(
    const std::vector<std::string>& terms) const {
  std::vector<uint64_t> frequencies(terms.size());
  for (const PostingsSource* source : sources) {
    source->Prefetch(terms);
    for (size_t i = 0; i < terms.size(); ++i) {
      frequencies[i] += source->DocumentFrequency(terms[i]);
    }
  }
  return frequencies;
}

uint64_t SpaceSearch::document_count() const {
  uint64_t count = 0;
  for (const TextPart* part : view->parts()) count += part->document_count();
  return count;
}

std::string SpaceSearch::TextOf(std::string_view value) const {
  return IndexedText(value, space->definition().text_fields);
}

absl::StatusOr<TextSearch> TextSearch::Open(const SpaceTable& table, const StoreSnapshot& snapshot,
                                            int64_t now, const std::string& prefix,
                                            const Scoring& scoring) {
  TextSearch search(scoring);
  bool has_text = false;
  for (const ActiveSpace* space : table.Overlapping(prefix)) {
    if (space->analyzer() == nullptr) continue;
    has_text = true;
    search.Add(*space, snapshot, now, prefix);
  }
  if (!has_text) return NoTextUnder(prefix);
  return search;
}

absl::StatusOr<TextSearch> TextSearch::OpenOne(const ActiveSpace& space,
                                               const StoreSnapshot& snapshot, int64_t now,
                                               const std::string& prefix, const Scoring& scoring) {
  if (space.analyzer() == nullptr) {
    return FailedPrecondition("space '", Printable(space.definition().prefix),
                              "' indexes no text: set Space::text");
  }
  TextSearch search(scoring);
  search.Add(space, snapshot, now, prefix);
  return search;
}

void TextSearch::Add(const ActiveSpace& space, const StoreSnapshot& snapshot, int64_t now,
                     const std::string& prefix) {
  std::shared_ptr<const SpaceView> view = snapshot.ViewOf(space);
  if (view == nullptr) return;
  SpaceSearch& in = spaces_.emplace_back(
      SpaceSearch{&space, view, {}, {}, {}, {}, {}, snapshot.SpaceOf(space), {}, {}});
  for (const TextPart* part : LargestFirst(*view)) {
    in.readers.push_back(part->NewReader({snapshot.rows->sequence(), now, prefix}));
    in.sources.push_back(&in.readers.back()->postings());
  }
}

std::vector<const ActiveSpace*> TextSearch::CapturedSpaces() const {
  std::vector<const ActiveSpace*> spaces;
  for (const SpaceSearch& in : spaces_) spaces.push_back(in.captured);
  return spaces;
}

std::vector<std::string> TextSearch::FieldNames() const {
  std::vector<std::string> names;
  for (const SpaceSearch& in : spaces_) {
    for (std::string& name : FilterNames(*in.captured)) names.push_back(std::move(name));
  }
  return names;
}

void TextSearch::Plan(const QueryNode& query, std::span<const FieldFilter> filters, bool typos,
                      ExpansionBudget* budget, std::vector<std::string>* warnings) {
  for (SpaceSearch& in : spaces_) {
    in.plan = SearchPlan::Make(query, *in.space->analyzer(), filters);
    in.plan.Expand(in.sources, typos, budget);
    in.wanted = in.plan.WantedTerms();
    AddWarnings(in.plan.warnings(), warnings);
  }
}

std::string TextSearch::DidYouMean(std::string_view query, const std::vector<std::string>& names,
                                   ExpansionBudget* budget) const {
  for (const SpaceSearch& in : spaces_) {
    std::string better = CorrectQuery(query, *in.space->analyzer(), in.sources, budget, &names);
    if (!better.empty()) return better;
  }
  return {};
}

absl::Status TextSearch::ApplyFilters(FieldSearch* fields) {
  for (SpaceSearch& in : spaces_) {
    LIBKV_ASSIGN_OR_RETURN(in.passing,
                           fields->Passing(*in.captured, in.plan.filters(), in.readers));
  }
  return absl::OkStatus();
}

void TextSearch::Run(HitCollector* collector, bool keeps_matches) {
  for (size_t i = 0; i < spaces_.size(); ++i) {
    SpaceSearch& search = spaces_[i];
    search.matches.assign(search.readers.size(), {});
    if (search.plan.MatchesNothing() || collector->is_partial()) continue;
    search.statistics = StatisticsOf(search);
    for (size_t r = 0; r < search.readers.size() && !collector->is_partial(); ++r) {
      const PartReader& reader = *search.readers[r];
      PartCollector sink(collector, &reader, static_cast<uint32_t>(i),
                         keeps_matches ? &search.matches[r] : nullptr);
      search.plan.Run(reader.postings(), search.statistics, scoring_, &sink, search.PassingOf(r));
    }
  }
}

std::vector<std::vector<ScorePart>> TextSearch::Explain(std::span<const FoundHit> found) const {
  std::vector<std::vector<ScorePart>> explanations(found.size());
  // Each part is walked once, in its own order.
  std::map<const PartReader*, std::vector<size_t>> places;  // in `found`
  for (size_t i = 0; i < found.size(); ++i) places[found[i].reader].push_back(i);
  for (auto& [reader, own] : places) {
    std::sort(own.begin(), own.end(),
              [&](size_t a, size_t b) { return found[a].ordinal < found[b].ordinal; });
    std::vector<uint32_t> ordinals;
    for (const size_t i : own) ordinals.push_back(found[i].ordinal);
    const SpaceSearch& search = SpaceOf(found[own.front()]);
    const auto number = static_cast<size_t>(
        std::find_if(search.readers.begin(), search.readers.end(),
                     [wanted = reader](const auto& r) { return r.get() == wanted; }) -
        search.readers.begin());
    auto parts = search.plan.Explain(reader->postings(), search.statistics, scoring_, ordinals,
                                     search.PassingOf(number));
    for (size_t k = 0; k < own.size(); ++k) explanations[own[k]] = std::move(parts[k]);
  }
  return explanations;
}

absl::Status TextSearch::status() const {
  for (const SpaceSearch& search : spaces_) {
    for (const auto& reader : search.readers) LIBKV_RETURN_IF_ERROR(reader->status());
  }
  return absl::OkStatus();
}

}  // namespace libkv
