// Similarity: the query is encoded like the stored vectors, all codes are scanned, and the few
// candidates that can be among the best are compared by their full vectors.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/status_macros.h"
#include "base/strings.h"
#include "base/top_k.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "store/store_impl.h"
#include "vector/flat_scan.h"
#include "vector/metric.h"

namespace libkv {
namespace {

// Candidates whose full vectors are read at once.
constexpr size_t kRefineStep = 32;
constexpr float kUnbounded = std::numeric_limits<float>::infinity();

struct Better {
  bool operator()(const Neighbor& a, const Neighbor& b) const {
    return a.score != b.score ? a.score > b.score : a.key < b.key;
  }
};

}  // namespace

absl::StatusOr<const ActiveSpace*> Store::Impl::OneVectorSpace(std::string_view prefix) const {
  std::vector<const ActiveSpace*> found;
  for (const ActiveSpace* space : Spaces().Overlapping(prefix)) {
    if (space->rotation() != nullptr) found.push_back(space);
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return FailedPrecondition("no space under prefix '", Printable(prefix),
                              "' has vectors: set Space::vector_dimension or Space::embedder");
  }
  return InvalidArgument("prefix '", Printable(prefix), "' leads to ", found.size(),
                         " spaces with vectors, whose scores cannot be compared: use a longer one");
}

absl::StatusOr<std::vector<Neighbor>> Store::Impl::Similar(const SimilarOptions& options,
                                                           std::span<const float> vector) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  LIBKV_ASSIGN_OR_RETURN(const ActiveSpace* space, OneVectorSpace(options.prefix));
  return Nearest(options, *space, vector, {});
}

absl::StatusOr<std::vector<Neighbor>> Store::Impl::SimilarTo(const SimilarOptions& options,
                                                             std::string_view key) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  const ActiveSpace* space = Spaces().Of(key);
  if (space == nullptr || space->rotation() == nullptr) {
    return FailedPrecondition("key '", Printable(key), "' is in no space with vectors");
  }
  SimilarOptions at = options;
  at.snapshot = SnapshotOrNow(options.snapshot);
  const auto* snapshot = static_cast<const StoreSnapshot*>(at.snapshot.get());
  LIBKV_ASSIGN_OR_RETURN(const std::vector<float> vector,
                         VectorOf(*space, snapshot->rows.get(), key));
  return Nearest(at, *space, vector, key);
}

absl::StatusOr<std::vector<Neighbor>> Store::Impl::SimilarText(const SimilarOptions& options,
                                                               std::string_view text) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  LIBKV_ASSIGN_OR_RETURN(const ActiveSpace* space, OneVectorSpace(options.prefix));
  std::vector<float> vector(space->definition().dimension);
  LIBKV_RETURN_IF_ERROR(Embed(*space, EmbedKind::kQuery, std::span(&text, 1), vector));
  // A text without words has no direction: nothing is similar to it.
  if (std::all_of(vector.begin(), vector.end(), [](float x) { return x == 0; })) {
    return std::vector<Neighbor>();
  }
  return Nearest(options, *space, vector, {});
}

absl::StatusOr<std::vector<float>> Store::Impl::GetVector(std::string_view key) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  const ActiveSpace* space = Spaces().Of(key);
  if (space == nullptr || space->rotation() == nullptr) {
    return FailedPrecondition("key '", Printable(key), "' is in no space with vectors");
  }
  return VectorOf(*space, GetSnapshot()->rows.get(), key);
}

absl::StatusOr<std::vector<float>> Store::Impl::VectorOf(const ActiveSpace& space,
                                                         const EngineSnapshot* snapshot,
                                                         std::string_view key) const {
  const EngineRead read{.snapshot = snapshot};
  PinnedValue pinned;
  Record record;
  LIBKV_RETURN_IF_ERROR(ReadLive(read, key, &pinned, &record));
  const bool here = record.header.space == space.id() && record.header.has_vector;
  const std::string row_key = VectorKey(space.id(), record.header.document);
  bool found = false;
  if (here) LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kVectors, read, row_key, &pinned, &found));
  if (!found) {
    return MakeStatus(absl::StatusCode::kNotFound, "key '", Printable(key), "' has no vector");
  }
  std::vector<float> vector;
  LIBKV_RETURN_IF_ERROR(
      ParseVectorRow(row_key, pinned.view(), space.definition().dimension, &vector));
  return vector;
}

absl::StatusOr<std::vector<Neighbor>> Store::Impl::Nearest(const SimilarOptions& options,
                                                           const ActiveSpace& space,
                                                           std::span<const float> vector,
                                                           std::string_view without_key) const {
  if (options.limit > kSimilarLimitMax) {
    return InvalidArgument("a limit of ", options.limit, " is above ", kSimilarLimitMax);
  }
  if (!(options.recall_target > 0 && options.recall_target <= 1)) {
    return InvalidArgument("a recall target must be above 0 and at most 1");
  }
  LIBKV_RETURN_IF_ERROR(CheckVector(vector, space.definition().dimension, space.metric()));
  const std::shared_ptr<const StoreSnapshot> snapshot = SnapshotOrNow(options.snapshot);
  const std::shared_ptr<const SpaceView> view = snapshot->ViewOf(space);
  if (view == nullptr || options.limit == 0) return std::vector<Neighbor>();
  const VectorTable& vectors = *view->vectors;

  const std::vector<float> query = Comparable(space, vector);
  std::vector<float> rotated(space.rotation()->padded());
  space.rotation()->Apply(query, rotated);
  const uint64_t sequence = snapshot->rows->sequence();
  const int64_t now = Now();
  const auto alive = [&](uint32_t slot) {
    const DocumentEntry& entry = vectors.documents()[slot];
    return entry.VisibleAt(sequence, now) && entry.key.starts_with(options.prefix) &&
           (without_key.empty() || entry.key != without_key);
  };
  bool is_complete = true;
  const size_t slots = vectors.size();
  std::vector<Candidate> candidates = Scan(vectors.codes(), MakeQueryCode(rotated), space.metric(),
                                           options.limit, slots, alive, &is_complete);
  if (!is_complete) {
    // Thousands of vectors are nearly the same: only comparing all of them in full tells the best.
    candidates.clear();
    for (uint32_t slot = 0; slot < slots; ++slot) {
      if (alive(slot)) candidates.push_back({.slot = slot, .upper_bound = kUnbounded});
    }
  }

  // Candidates come with the greatest possible score first: once `limit` exact scores are above
  // what the next one can reach, the rest need not be read.
  TopK<Neighbor, Better> best(options.limit);
  for (size_t begin = 0; begin < candidates.size(); begin += kRefineStep) {
    if (best.full() && best.worst().score > candidates[begin].upper_bound) break;
    const size_t end = std::min(candidates.size(), begin + kRefineStep);
    std::vector<std::string> row_keys;
    for (size_t i = begin; i < end; ++i) {
      row_keys.push_back(VectorKey(space.id(), vectors.documents()[candidates[i].slot].document));
    }
    const std::vector<std::string_view> views(row_keys.begin(), row_keys.end());
    std::vector<PinnedValue> rows(views.size());
    bool found[kRefineStep] = {};
    LIBKV_RETURN_IF_ERROR(engine_->MultiGet(Family::kVectors, {.snapshot = snapshot->rows.get()},
                                            views, rows.data(), found));
    for (size_t i = begin; i < end; ++i) {
      const DocumentEntry& entry = vectors.documents()[candidates[i].slot];
      if (!found[i - begin]) {
        return DataLoss("the vector of key '", Printable(entry.key), "' is missing");
      }
      std::vector<float> stored;
      LIBKV_RETURN_IF_ERROR(ParseVectorRow(row_keys[i - begin], rows[i - begin].view(),
                                           space.definition().dimension, &stored));
      const double score = ExactScore(space.metric(), query, Comparable(space, stored));
      best.Push({entry.key, score});
    }
  }
  return best.TakeSorted();
}

}  // namespace libkv
