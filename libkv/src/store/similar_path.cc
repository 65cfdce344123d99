// Similarity: by a vector, by the vector of a key, by a text. See nearest.cc for what follows.
#include <algorithm>

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/derive.h"
#include "index/index_rows.h"
#include "store/store_impl.h"
#include "vector/metric.h"

namespace libkv {
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
  const auto accept = [&](const EntryView& entry) {
    const std::string_view key = entry.key();
    return key.starts_with(options.prefix) && (without_key.empty() || key != without_key);
  };
  NearestQuery query = {.vector = vector,
                        .limit = options.limit,
                        .recall_target = options.recall_target,
                        .is_exact = options.exact};
  if (options.prefix.size() > space.definition().prefix.size()) query.filtered = UINT64_MAX;
  LIBKV_ASSIGN_OR_RETURN(std::vector<NearVector> found,
                         FindNearest(query, space, *snapshot, accept));
  std::vector<Neighbor> neighbors;
  neighbors.reserve(found.size());
  for (NearVector& near : found) neighbors.push_back({std::move(near.key), near.score});
  return neighbors;
}

}  // namespace libkv
