// From memory to disk: full deltas become segments, by a thread of their own while the next delta
// fills.
//
//   Freeze       the committer closes a full delta and begins another one. From now on the removal
//                of a document in it leaves a dead marker.
//   write        the sealer writes what is alive into table files and adds them to the database:
//                durable, but nobody knows the segment yet.
//   publish      one small batch through the commit queue puts the segment row and moves
//                sealed_through; then the view changes. Markers that came meanwhile are told to the
//                new part by the committer, who also makes them: nobody comes back to life.
//
// A crash before the batch leaves rows without a segment row: the next open drops them and reads
// the values back.
#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "index/delta_input.h"
#include "segment/segment_merge.h"
#include "segment/segment_writer.h"
#include "store/segment_change.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

// Frozen deltas of one space that may wait; when there are more, writers wait for them.
constexpr size_t kBacklogMax = 1;
constexpr size_t kDeltaDocumentsMax = 50'000;
constexpr auto kPauseAfterFailure = std::chrono::seconds(1);

}  // namespace

bool Store::Impl::IsFull(const DeltaPart& delta) const {
  return delta.text_bytes() >= delta_bytes_max_ || delta.documents().size() >= kDeltaDocumentsMax;
}

// By the committer, under publish_mutex_.
void Store::Impl::FreezeFullDeltas() {
  bool frozen = false;
  for (const auto& space : Spaces().all()) {
    SpaceIndex& index = *space->index();
    if (space->analyzer() == nullptr || !IsFull(*index.view()->deltas.back())) continue;
    index.Freeze();
    frozen = true;
    if (index.backlog() > kBacklogMax) sealing_lags_.store(true, std::memory_order_release);
  }
  if (frozen) WakeSealer();
}

void Store::Impl::StartSealer() {
  sealer_ = std::thread([this] { RunSealer(); });
}

void Store::Impl::StopSealer() {
  stop_sealing_.store(true);
  WakeSealer();
  if (sealer_.joinable()) sealer_.join();
}

void Store::Impl::WakeSealer() {
  // Empty, so that the wake-up cannot fall between a look at the backlog and the sleep after it.
  { const std::lock_guard lock(seal_mutex_); }
  seal_wake_.notify_all();
}

std::shared_ptr<ActiveSpace> Store::Impl::SpaceWithBacklog() const {
  for (const auto& space : Spaces().all()) {
    if (space->index()->backlog() > 0) return space;
  }
  return nullptr;
}

void Store::Impl::RunSealer() {
  std::unique_lock lock(seal_mutex_);
  while (true) {
    seal_wake_.wait(lock, [&] { return stop_sealing_ || SpaceWithBacklog() != nullptr; });
    if (stop_sealing_) break;
    const std::shared_ptr<ActiveSpace> space = SpaceWithBacklog();
    lock.unlock();
    absl::Status status = SealOldest(*space);
    lock.lock();
    seal_status_ = std::move(status);
    bool lags = false;
    for (const auto& other : Spaces().all()) lags = lags || other->index()->backlog() > kBacklogMax;
    sealing_lags_.store(lags, std::memory_order_release);
    sealed_.notify_all();
    if (!seal_status_.ok()) {
      seal_wake_.wait_for(lock, kPauseAfterFailure, [&] { return stop_sealing_.load(); });
    }
  }
  sealed_.notify_all();
}

// Writers wait here when sealing does not keep up: memory is bounded.
absl::Status Store::Impl::WaitForSealing() {
  if (!sealing_lags_.load(std::memory_order_acquire)) [[likely]]
    return absl::OkStatus();
  std::unique_lock lock(seal_mutex_);
  sealed_.wait(lock, [&] {
    return stop_sealing_ || !seal_status_.ok() || !sealing_lags_.load(std::memory_order_acquire);
  });
  return seal_status_;
}

// The oldest frozen delta of a space becomes a segment.
absl::Status Store::Impl::SealOldest(const ActiveSpace& space) {
  SegmentChange change{.space = space.id(), .index = space.index()};
  const std::shared_ptr<const SpaceView> view = change.index->view();
  if (view->deltas.size() < 2) return absl::OkStatus();  // its index was handed over meanwhile
  change.delta = view->deltas.front();
  DeltaInput input(*change.delta);
  SegmentInput* const inputs[] = {&input};
  LIBKV_RETURN_IF_ERROR(WriteSegment(
      inputs, [](size_t, uint32_t) { return true; }, &change));
  return PublishSegments(change);
}

// Writes what `keep` leaves of `inputs` into a new segment and adds it to change.parts, if there is
// anything.
absl::Status Store::Impl::WriteSegment(std::span<SegmentInput* const> inputs,
                                       absl::FunctionRef<bool(size_t input, uint32_t ordinal)> keep,
                                       SegmentChange* change) {
  const uint32_t segment = change->index->NextSegment();
  LIBKV_ASSIGN_OR_RETURN(const std::unique_ptr<SegmentWriter> writer,
                         SegmentWriter::Create(*engine_, change->space, segment, directory_));
  uint64_t kept = 0;
  const auto count = [&](size_t input, uint32_t ordinal) {
    const bool is_kept = keep(input, ordinal);
    kept += is_kept ? 1 : 0;
    return is_kept;
  };
  LIBKV_RETURN_IF_ERROR(MergeInto(inputs, count, &stop_sealing_, writer.get()));
  if (kept == 0) return absl::OkStatus();
  LIBKV_ASSIGN_OR_RETURN(const SegmentSummary summary, writer->Finish());
  LIBKV_ASSIGN_OR_RETURN(std::shared_ptr<const Segment> loaded,
                         Segment::Load(*engine_, change->space, segment, summary.documents));
  change->parts.push_back(std::make_shared<SealedPart>(std::move(loaded), summary));
  return absl::OkStatus();
}

// Puts a change of the segments in force.
absl::Status Store::Impl::PublishSegments(SegmentChange& change) {
  const std::lock_guard segments_lock(segments_mutex_);
  bool in_force = false;
  WriteRequest request;
  request.more_rows = [&](EngineBatch& batch) {
    const ActiveSpace* const space = Spaces().ById(change.space);
    in_force = space != nullptr && space->index() == change.index;
    if (!in_force) return;  // dropped meanwhile
    change.TellDeaths();
    change.PutRows(batch);
  };
  request.after = [&] {
    const std::lock_guard lock(publish_mutex_);
    change.TellDeaths();  // those of the same group
    change.Apply();
  };
  const absl::Status status = Run({}, request);
  // What a failed write has left on disk is unknown: then all rows stay.
  if (status.ok()) Retire(in_force ? change.merged : change.parts);
  return status;
}

// Their rows are dropped when nobody can read them any more.
void Store::Impl::Retire(std::span<const std::shared_ptr<SealedPart>> parts) {
  const std::lock_guard lock(retired_mutex_);
  for (const auto& part : parts) {
    retired_.push_back({part->segment().space(), part->segment().number(), part});
  }
}

void Store::Impl::DropRetired() {
  const std::lock_guard segments_lock(segments_mutex_);
  const std::lock_guard lock(retired_mutex_);
  std::erase_if(retired_, [&](const RetiredSegment& retired) {
    if (!retired.part.expired()) return false;
    const std::string prefix = SegmentPrefix(retired.space, retired.segment);
    // If it fails the rows stay until the next open.
    static_cast<void>(engine_->DropRange(Family::kSegments, prefix, PrefixEnd(prefix)));
    return true;
  });
}

// At open, when segments could not be read: they are no longer in force.
absl::Status Store::Impl::ForgetSegmentRows(const ActiveSpace& space) {
  const std::string prefix = IndexPrefix(space.id(), IndexKind::kSegment);
  const auto cursor =
      engine_->NewCursor(Family::kIndex, {.fill_cache = false}, prefix, PrefixEnd(prefix));
  WriteRequest request;
  request.more_rows = [&](EngineBatch& batch) {
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
      batch.Delete(Family::kIndex, cursor->key());
    }
    batch.Put(Family::kIndex, TextDescriptorKey(space.id()), EncodeTextDescriptor(space.id(), 0));
  };
  LIBKV_RETURN_IF_ERROR(Run({}, request));
  return cursor->status();
}

// At open: the rows of segments that are not in force, and files that never got into the database.
absl::Status Store::Impl::DropOrphans() {
  RemoveFiles(directory_, SegmentWriter::kFilePrefix, SegmentWriter::kFileSuffix);
  std::set<std::string> in_force;
  for (const auto& space : Spaces().all()) {
    for (const auto& part : space->index()->view()->sealed) {
      in_force.insert(SegmentPrefix(space->id(), part->segment().number()));
    }
  }
  const auto cursor = engine_->NewCursor(Family::kSegments, {.fill_cache = false}, {}, {});
  for (cursor->SeekToFirst(); cursor->Valid();) {
    const std::string prefix(cursor->key().substr(0, SegmentPrefix(0, 0).size()));
    const std::string end = PrefixEnd(prefix);
    if (in_force.count(prefix) == 0) {
      LIBKV_RETURN_IF_ERROR(engine_->DropRange(Family::kSegments, prefix, end));
    }
    if (end.empty()) break;
    cursor->Seek(end);
  }
  return cursor->status();
}

absl::Status Store::Impl::SealIndex(std::string_view prefix) {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  LIBKV_ASSIGN_OR_RETURN(const std::shared_ptr<ActiveSpace> space, TextSpaceAt(prefix));
  const std::shared_ptr<SpaceIndex> index = space->index();
  WriteRequest request;
  request.more_rows = [&](EngineBatch& batch) {
    batch.Put(Family::kIndex, TextDescriptorKey(space->id()),
              EncodeTextDescriptor(space->id(), index->sealed_through()));
  };
  request.after = [&] {
    const std::lock_guard lock(publish_mutex_);
    index->Freeze();
  };
  {
    // Not in one group with a segment that comes into force: that moves the descriptor.
    const std::lock_guard segments_lock(segments_mutex_);
    LIBKV_RETURN_IF_ERROR(Run({.durability = Durability::kWritten}, request));
  }
  WakeSealer();
  std::unique_lock lock(seal_mutex_);
  // A failure of before is tried again first.
  seal_status_ = absl::OkStatus();
  sealed_.wait(lock, [&] { return stop_sealing_ || !seal_status_.ok() || index->backlog() == 0; });
  return seal_status_;
}

absl::StatusOr<std::shared_ptr<ActiveSpace>> Store::Impl::TextSpaceAt(
    std::string_view prefix) const {
  for (const auto& space : Spaces().all()) {
    if (space->definition().prefix != prefix) continue;
    if (space->analyzer() != nullptr) return space;
    return FailedPrecondition("the space '", Printable(prefix), "' indexes no text");
  }
  return MakeStatus(absl::StatusCode::kNotFound, "no space has the prefix '", Printable(prefix),
                    "'");
}

}  // namespace libkv
