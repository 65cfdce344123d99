// Segments that are many, or much of which is dead, are merged; their dead markers are folded into
// the segment rows; an index can be built anew from the values.
//
// Tiers: segments whose sizes are within a factor of eight are of one tier, and when eight of a
// tier are there they become one of the next. So a document is written about once per tier.
#include <algorithm>
#include <bit>
#include <chrono>
#include <map>

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "index/delta_input.h"
#include "segment/segment_merge.h"
#include "store/segment_change.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

using Parts = std::vector<std::shared_ptr<SealedPart>>;

constexpr size_t kSegmentsMax = 10;  // after a merge, but for those sealed while it ran
constexpr size_t kTierSegments = 8;
constexpr int kTierBits = 3;        // segments of one tier differ by less than this factor, as bits
constexpr uint64_t kDeadShare = 5;  // one in so many dead: worth a rewrite
constexpr size_t kMarkersMax = 10'000;  // not yet folded
constexpr auto kPauseAfterFailure = std::chrono::seconds(30);

int TierOf(const SealedPart& part) {
  return static_cast<int>(std::bit_width(part.live_documents())) / kTierBits;
}

// The segments to be merged next; empty: none.
Parts MergeDue(const Parts& parts) {
  std::map<int, Parts> tiers;
  for (const auto& part : parts) {
    const uint64_t dead = part->document_count() - part->live_documents();
    if (dead * kDeadShare > part->document_count()) return {part};
    tiers[TierOf(*part)].push_back(part);
  }
  for (const auto& [tier, members] : tiers) {
    if (members.size() >= kTierSegments) return members;
  }
  if (parts.size() <= kSegmentsMax) return {};
  // Many tiers with a few each: the smallest ones become one.
  Parts smallest;
  for (const auto& [tier, members] : tiers) {
    smallest.insert(smallest.end(), members.begin(), members.end());
    if (smallest.size() > 1 && parts.size() - smallest.size() < kSegmentsMax) break;
  }
  return smallest;
}

}  // namespace

void Store::Impl::MergeWhatIsDue() {
  for (const auto& space : Spaces().all()) {
    const std::lock_guard lock(merge_mutex_);
    const Parts due = MergeDue(space->index()->view()->sealed);
    const bool may_try = std::chrono::steady_clock::now() >= next_merge_;
    // What fails leaves what is there, and is tried again later: it may have filled the disk.
    if (!due.empty() && may_try && !Merge(*space, due).ok()) {
      next_merge_ = std::chrono::steady_clock::now() + kPauseAfterFailure;
    }
    if (space->index()->marker_count() > kMarkersMax) static_cast<void>(FoldMarkers(*space));
  }
  DropRetired();
}

absl::Status Store::Impl::Merge(const ActiveSpace& space, const Parts& parts) {
  SegmentChange change{.space = space.id(), .index = space.index(), .merged = parts};
  std::vector<std::unique_ptr<SegmentAsInput>> owned;
  std::vector<SegmentInput*> inputs;
  for (const auto& part : parts) {
    owned.push_back(std::make_unique<SegmentAsInput>(part->segment()));
    inputs.push_back(owned.back().get());
  }
  const auto alive = [&](size_t input, uint32_t ordinal) { return !parts[input]->IsDead(ordinal); };
  LIBKV_RETURN_IF_ERROR(WriteSegment(inputs, alive, &change));
  return PublishSegments(change);
}

// The segment rows take over what the dead markers say.
absl::Status Store::Impl::FoldMarkers(const ActiveSpace& space) {
  const std::shared_ptr<SpaceIndex> index = space.index();
  WriteRequest request;
  request.more_rows = [&](EngineBatch& batch) {
    const ActiveSpace* const now = Spaces().ById(space.id());
    if (now == nullptr || now->index() != index) return;
    for (const auto& part : index->view()->sealed) {
      if (!part->has_unsaved_deaths()) continue;
      const uint32_t segment = part->segment().number();
      batch.Put(Family::kIndex, SegmentKey(space.id(), segment), part->EncodeRow());
      part->DeathsAreSaved();
    }
    for (const uint64_t document : index->TakeMarkers()) {
      batch.Delete(Family::kIndex, DeadMarkerKey(space.id(), document));
    }
  };
  return Run({.durability = Durability::kWritten}, request);
}

absl::Status Store::Impl::MergeIndex(std::string_view prefix) {
  LIBKV_RETURN_IF_ERROR(SealIndex(prefix));
  LIBKV_ASSIGN_OR_RETURN(const std::shared_ptr<ActiveSpace> space, TextSpaceAt(prefix));
  const std::lock_guard lock(merge_mutex_);
  const Parts parts = space->index()->view()->sealed;
  const bool has_dead = std::any_of(parts.begin(), parts.end(), [](const auto& part) {
    return part->live_documents() != part->document_count();
  });
  if (parts.size() > 1 || has_dead) LIBKV_RETURN_IF_ERROR(Merge(*space, parts));
  LIBKV_RETURN_IF_ERROR(FoldMarkers(*space));
  DropRetired();
  return absl::OkStatus();
}

absl::Status Store::Impl::Reindex(std::string_view prefix) {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  std::shared_ptr<ActiveSpace> with_vectors;
  for (const auto& space : Spaces().all()) {
    if (space->definition().prefix == prefix && space->rotation() != nullptr) with_vectors = space;
  }
  if (with_vectors != nullptr) LIBKV_RETURN_IF_ERROR(RepairVectors(*with_vectors));
  if (with_vectors == nullptr || with_vectors->analyzer() != nullptr) {
    LIBKV_RETURN_IF_ERROR(ReindexWords(prefix));
  }
  return with_vectors == nullptr ? absl::OkStatus() : RemakeVectors(*with_vectors);
}

// The values are analysed again, into new segments beside the old ones, which serve meanwhile.
absl::Status Store::Impl::ReindexWords(std::string_view prefix) {
  LIBKV_RETURN_IF_ERROR(SealIndex(prefix));
  LIBKV_ASSIGN_OR_RETURN(const std::shared_ptr<ActiveSpace> space, TextSpaceAt(prefix));
  const std::lock_guard lock(merge_mutex_);
  SegmentChange change{.space = space->id(), .index = space->index()};
  uint64_t last = 0;
  {
    // What is sealed from here on stays as it is.
    const std::lock_guard publish_lock(publish_mutex_);
    change.merged = change.index->view()->sealed;
    last = change.index->sealed_through();
  }
  const std::unique_ptr<EngineSnapshot> rows = engine_->NewSnapshot();
  auto delta = std::make_unique<DeltaPart>();
  const auto write = [&]() -> absl::Status {
    if (delta->documents().size() == 0) return absl::OkStatus();
    DeltaInput input(*delta);
    SegmentInput* const inputs[] = {&input};
    LIBKV_RETURN_IF_ERROR(WriteSegment(
        inputs, [](size_t, uint32_t) { return true; }, &change));
    delta = std::make_unique<DeltaPart>();
    return absl::OkStatus();
  };
  LIBKV_RETURN_IF_ERROR(
      ForEachMapped(*space, {.snapshot = rows.get(), .fill_cache = false}, 0, last,
                    [&](std::string_view key, const Record& record) -> absl::Status {
                      DerivedDocument derived;
                      DeriveStoredWords(*space, record, &derived);
                      if (!derived.has_words()) return absl::OkStatus();
                      delta->Add(record.header.document, key, 0, record.header.expiry, derived);
                      return IsFull(*delta) ? write() : absl::OkStatus();
                    }));
  LIBKV_RETURN_IF_ERROR(write());
  LIBKV_RETURN_IF_ERROR(PublishSegments(change));
  DropRetired();
  return absl::OkStatus();
}

}  // namespace libkv
