// Hybrid search: both sides name their best documents in one snapshot, their scores become parts
// from 0 to 1, and documents are ordered by the weighted sum. Only what is shown is then looked at
// again: by the side that did not name it, and for excerpts.
#include <algorithm>
#include <cmath>
#include <map>

#include "absl/container/flat_hash_map.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "index/derive.h"
#include "store/document_filter.h"
#include "store/store_impl.h"
#include "store/text_search.h"
#include "text/query_parser.h"
#include "vector/metric.h"

namespace libkv {
namespace {

// A document that a side names.
struct Fused {
  double score = 0, word_part = 0, vector_part = 0;
  uint64_t document = 0;
  const FoundHit* word = nullptr;      // null: not named
  const NearDocument* near = nullptr;  // null: not named
  const std::string& Key() const { return near != nullptr ? near->neighbor.key : word->Key(); }
};

bool IsBetter(const Fused& a, const Fused& b) {
  return a.score != b.score ? a.score > b.score : a.Key() < b.Key();
}

bool IsWeight(double weight) { return weight >= 0 && weight <= kHybridWeightMax; }

absl::Status CheckOptions(const HybridOptions& options) {
  if (options.limit > kSearchLimitMax || options.offset > kSearchLimitMax - options.limit) {
    return InvalidArgument("limit + offset must be at most ", kSearchLimitMax);
  }
  if (options.candidates == 0 || options.candidates > kHybridCandidatesMax) {
    return InvalidArgument("candidates must be from 1 to ", kHybridCandidatesMax);
  }
  if (options.excerpt_count > kExcerptCountMax) {
    return InvalidArgument("excerpt_count must be at most ", kExcerptCountMax);
  }
  if (!IsWeight(options.word_weight) || !IsWeight(options.vector_weight) ||
      options.word_weight + options.vector_weight == 0) {
    return InvalidArgument("weights must be from 0 to ", kHybridWeightMax, ", and not both 0");
  }
  if (!(options.rank_constant >= 0 && options.rank_constant <= kRankConstantMax)) {
    return InvalidArgument("rank_constant must be from 0 to ", kRankConstantMax);
  }
  if (!(options.recall_target > 0 && options.recall_target <= 1)) {
    return InvalidArgument("a recall target must be above 0 and at most 1");
  }
  return absl::OkStatus();
}

// The parts of a list of scores, best first. `least`: what it would end with.
class Parts {
 public:
  Parts(const HybridOptions& options, double greatest, double least)
      : options_(options), greatest_(greatest), least_(least) {}

  double Of(size_t place, double score) const {
    if (options_.fusion == Fusion::kReciprocalRank) {
      return 1 / (options_.rank_constant + static_cast<double>(place + 1));
    }
    return greatest_ == least_ ? 1 : (score - least_) / (greatest_ - least_);
  }

 private:
  const HybridOptions& options_;
  const double greatest_, least_;
};

std::vector<Fused> Fuse(const HybridOptions& options, std::span<const FoundHit> words,
                        std::span<const NearDocument> near) {
  absl::flat_hash_map<uint64_t, Fused> all;
  if (!words.empty()) {
    const bool goes_on = words.size() < options.candidates;
    const Parts parts(options, words.front().score, goes_on ? 0 : words.back().score);
    for (size_t i = 0; i < words.size(); ++i) {
      Fused& fused = all[words[i].reader->DocumentOf(words[i].ordinal)];
      fused.word = &words[i];
      fused.word_part = parts.Of(i, words[i].score);
    }
  }
  if (!near.empty()) {
    const Parts parts(options, near.front().neighbor.score, near.back().neighbor.score);
    for (size_t i = 0; i < near.size(); ++i) {
      Fused& fused = all[near[i].document];
      fused.near = &near[i];
      fused.vector_part = parts.Of(i, near[i].neighbor.score);
    }
  }
  std::vector<Fused> order;
  for (auto& [document, fused] : all) {
    fused.document = document;
    fused.score = options.word_weight * fused.word_part + options.vector_weight * fused.vector_part;
    order.push_back(fused);
  }
  const size_t wanted = std::min(options.offset + options.limit, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(wanted), order.end(),
                    IsBetter);
  order.resize(wanted);
  order.erase(order.begin(),
              order.begin() + static_cast<ptrdiff_t>(std::min(options.offset, wanted)));
  return order;
}

// The words that a query asks for, as they are written.
void AppendWanted(const QueryNode& node, std::string* text) {
  using Kind = QueryNode::Kind;
  if (node.kind == Kind::kNot || node.kind == Kind::kFilter) return;
  if (!node.text.empty()) *text += (text->empty() ? "" : " ") + node.text;
  for (const QueryNode& child : node.children) AppendWanted(child, text);
}

// Where `documents`, ascending, stand in the parts of `in`; those that have words.
std::map<uint64_t, FoundHit> Locate(const SpaceSearch& in, std::span<const uint64_t> documents) {
  std::map<uint64_t, FoundHit> places;
  for (const auto& reader : in.readers) {
    reader->ForEachOrdinalOf(documents, [&](uint32_t ordinal) {
      FoundHit& hit = places[reader->DocumentOf(ordinal)];
      hit.reader = reader.get();
      hit.ordinal = ordinal;
    });
  }
  return places;
}

// What the words make of the hits that only vectors named, and explanations of all.
void AddWordScores(const TextSearch& search, bool list_is_full, bool explain,
                   std::span<const Fused> shown, std::vector<HybridHit>* hits) {
  std::vector<uint64_t> unnamed;
  for (const Fused& fused : shown) {
    // A list that is not full has all that match.
    if (fused.word == nullptr && list_is_full) unnamed.push_back(fused.document);
  }
  std::sort(unnamed.begin(), unnamed.end());
  const std::map<uint64_t, FoundHit> places = Locate(search.spaces().front(), unnamed);
  std::vector<FoundHit> found;
  std::vector<size_t> owners;  // in hits
  for (size_t i = 0; i < shown.size(); ++i) {
    const auto place = places.find(shown[i].document);
    if (shown[i].word != nullptr && explain) {
      found.push_back(*shown[i].word);
    } else if (shown[i].word == nullptr && place != places.end()) {
      found.push_back(place->second);
    } else {
      continue;
    }
    owners.push_back(i);
  }
  std::vector<std::vector<ScorePart>> explanations = search.Explain(found);
  for (size_t k = 0; k < owners.size(); ++k) {
    HybridHit& hit = (*hits)[owners[k]];
    if (!hit.word_score.has_value() && !explanations[k].empty()) {
      hit.word_score = SumOf(explanations[k]);
    }
    if (explain) hit.explanation = std::move(explanations[k]);
  }
}

}  // namespace

// One hybrid search, step by step.
class Store::Impl::HybridSearch {
 public:
  HybridSearch(const Impl& store, const HybridOptions& options, const ActiveSpace& space,
               std::shared_ptr<const StoreSnapshot> snapshot, TextSearch search)
      : store_(store),
        options_(options),
        space_(space),
        snapshot_(std::move(snapshot)),
        search_(std::move(search)),
        fields_(*store.engine_, snapshot_->rows.get(), DeadlineOf(options.time_limit),
                /*remembers=*/true) {}

  absl::StatusOr<HybridResult> Run(std::string_view query) {
    const std::vector<std::string> names = search_.FieldNames();
    LIBKV_ASSIGN_OR_RETURN(const ParsedQuery parsed, ParseQuery(query, options_.strict, &names));
    result_.warnings = parsed.warnings;
    search_.Plan(parsed.root, options_.filters, options_.typos, &budget_, &result_.warnings);
    if (options_.word_weight > 0) LIBKV_RETURN_IF_ERROR(FindWords(query, names));
    if (options_.vector_weight > 0) LIBKV_RETURN_IF_ERROR(FindVectors(parsed.root));
    LIBKV_RETURN_IF_ERROR(Show(Fuse(options_, words_, near_)));
    LIBKV_RETURN_IF_ERROR(search_.status());
    return std::move(result_);
  }

 private:
  absl::Status FindWords(std::string_view query, const std::vector<std::string>& names) {
    LIBKV_RETURN_IF_ERROR(search_.ApplyFilters(&fields_));
    const std::optional<SearchAfter> from_the_start;
    HitCollector collector(options_.candidates, /*count_up_to=*/0, from_the_start,
                           fields_.deadline());
    search_.Run(&collector);
    words_ = collector.TakeSorted();
    result_.is_partial = collector.is_partial() || fields_.is_partial();
    if ((options_.typos || words_.empty()) && !result_.is_partial) {
      result_.did_you_mean = search_.DidYouMean(query, names, &budget_);
    }
    return absl::OkStatus();
  }

  absl::Status FindVectors(const QueryNode& query) {
    if (std::chrono::steady_clock::now() >= fields_.deadline()) {
      result_.is_partial = true;
      return absl::OkStatus();
    }
    LIBKV_RETURN_IF_ERROR(MakeVector(query));
    if (vector_.empty()) return absl::OkStatus();
    LIBKV_ASSIGN_OR_RETURN(const DocumentFilter filter,
                           FilterByConditions({space_, *snapshot_, store_.Now(), options_.prefix},
                                              options_.filters, query, &fields_));
    result_.is_partial = result_.is_partial || filter.is_partial();
    SimilarOptions similar{.prefix = options_.prefix,
                           .limit = options_.candidates,
                           .recall_target = options_.recall_target,
                           .exact = options_.exact,
                           .snapshot = snapshot_};
    LIBKV_ASSIGN_OR_RETURN(near_, store_.Nearest(similar, space_, vector_, {}, filter));
    return absl::OkStatus();
  }

  // Empty: the query has no direction.
  absl::Status MakeVector(const QueryNode& query) {
    vector_ = options_.vector;
    if (!vector_.empty()) return absl::OkStatus();
    std::string wanted;
    AppendWanted(query, &wanted);
    vector_.resize(space_.definition().dimension);
    const std::string_view text = wanted;
    LIBKV_RETURN_IF_ERROR(libkv::Embed(space_, EmbedKind::kQuery, std::span(&text, 1), vector_));
    if (std::all_of(vector_.begin(), vector_.end(), [](float x) { return x == 0; })) {
      vector_.clear();
    }
    return absl::OkStatus();
  }

  absl::Status Show(const std::vector<Fused>& shown) {
    for (const Fused& fused : shown) {
      HybridHit& hit = result_.hits.emplace_back();
      hit.key = fused.Key();
      hit.score = fused.score;
      hit.word_part = fused.word_part;
      hit.vector_part = fused.vector_part;
      if (fused.word != nullptr) hit.word_score = fused.word->score;
      if (fused.near != nullptr) hit.vector_score = fused.near->neighbor.score;
    }
    if (options_.word_weight > 0) {
      AddWordScores(search_, words_.size() == options_.candidates, options_.explain, shown,
                    &result_.hits);
    }
    LIBKV_RETURN_IF_ERROR(AddVectorScores(shown));
    if (options_.excerpt_bytes == 0) return absl::OkStatus();
    for (HybridHit& hit : result_.hits) {
      hit.excerpts = store_.ExcerptsOf(search_.spaces().front(), *snapshot_, hit.key,
                                       options_.excerpt_bytes, options_.excerpt_count);
    }
    return absl::OkStatus();
  }

  // What vectors make of the hits that only words named.
  absl::Status AddVectorScores(std::span<const Fused> shown) {
    if (vector_.empty()) return absl::OkStatus();
    std::vector<uint64_t> documents;
    std::vector<size_t> owners;  // in hits
    for (size_t i = 0; i < shown.size(); ++i) {
      if (shown[i].near != nullptr) continue;
      documents.push_back(shown[i].document);
      owners.push_back(i);
    }
    LIBKV_ASSIGN_OR_RETURN(
        const std::vector<std::optional<double>> scores,
        store_.VectorScores(space_, *snapshot_, Comparable(space_, vector_), documents));
    for (size_t k = 0; k < owners.size(); ++k) result_.hits[owners[k]].vector_score = scores[k];
    return absl::OkStatus();
  }

  const Impl& store_;
  const HybridOptions& options_;
  const ActiveSpace& space_;
  const std::shared_ptr<const StoreSnapshot> snapshot_;
  TextSearch search_;
  FieldSearch fields_;
  ExpansionBudget budget_;
  std::vector<FoundHit> words_;     // best first
  std::vector<float> vector_;       // empty: vectors are not asked
  std::vector<NearDocument> near_;  // best first
  HybridResult result_;
};

absl::StatusOr<HybridResult> Store::Impl::Hybrid(const HybridOptions& options,
                                                 std::string_view query) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  LIBKV_RETURN_IF_ERROR(CheckOptions(options));
  LIBKV_ASSIGN_OR_RETURN(const ActiveSpace* space, OneVectorSpace(options.prefix));
  std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(options.snapshot);
  if (!options.vector.empty()) {
    const ActiveSpace& as_in = SpaceAsIn(snapshot, *space);
    LIBKV_RETURN_IF_ERROR(
        CheckVector(options.vector, as_in.definition().dimension, as_in.metric()));
  }
  LIBKV_ASSIGN_OR_RETURN(TextSearch search,
                         TextSearch::OpenOne(*space, *snapshot, Now(), options.prefix, Scoring{}));
  const ActiveSpace* const at = &SpaceAsIn(snapshot, *space);
  LIBKV_RETURN_IF_ERROR(CheckFilters(options.filters, std::span(&at, 1)));
  if (search.spaces().empty()) return HybridResult();  // the space is younger than the snapshot
  return HybridSearch(*this, options, *at, std::move(snapshot), std::move(search)).Run(query);
}

}  // namespace libkv
