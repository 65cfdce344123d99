// What happens by itself: expired keys are removed, segments are merged, and a space's vectors in
// memory are rebuilt when more of them are dead than alive.
#include <algorithm>
#include <chrono>

#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/derive.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

constexpr auto kPause = std::chrono::milliseconds(500);
constexpr size_t kExpiredStep = 1'000;    // keys removed by one commit
constexpr uint64_t kCrowdedMin = 10'000;  // dead entries that are not worth a rebuild
constexpr size_t kRebuildStep = 64;       // documents added under one lock

}  // namespace

void Store::Impl::StartMaintenance() {
  maintenance_ = std::thread([this] { Maintain(); });
}

void Store::Impl::StopMaintenance() {
  {
    const std::lock_guard lock(maintenance_mutex_);
    stopping_ = true;
  }
  maintenance_wake_.notify_one();
  if (maintenance_.joinable()) maintenance_.join();
}

void Store::Impl::Maintain() {
  std::unique_lock lock(maintenance_mutex_);
  while (!stopping_) {
    lock.unlock();
    const size_t removed = RemoveExpired();
    MergeWhatIsDue();
    RebuildCrowded();
    lock.lock();
    if (removed < kExpiredStep) {
      maintenance_wake_.wait_for(lock, kPause, [this] { return stopping_; });
    }
  }
}

// Removes the keys of the oldest expiry rows that are due; returns how many rows it looked at.
size_t Store::Impl::RemoveExpired() {
  const int64_t now = Now();
  const std::string first = IndexPrefix(0, IndexKind::kExpiry);
  const auto cursor =
      engine_->NewCursor(Family::kIndex, {.fill_cache = false}, first, PrefixEnd(first));
  std::vector<std::string> rows;
  for (cursor->SeekToFirst(); cursor->Valid() && rows.size() < kExpiredStep; cursor->Next()) {
    int64_t expiry = 0;
    std::string_view key;
    if (ParseExpirySuffix(cursor->key().substr(first.size()), &expiry, &key) && expiry > now) break;
    rows.emplace_back(cursor->key());
  }
  if (rows.empty()) return 0;

  WriteRequest request;
  request.changes.reserve(rows.size());
  for (const std::string& row : rows) {
    int64_t expiry = 0;
    std::string_view key;
    if (!ParseExpirySuffix(std::string_view(row).substr(first.size()), &expiry, &key)) continue;
    PinnedValue pinned;
    Record record;
    bool found = false;
    if (!engine_->Get(Family::kData, {.fill_cache = false}, key, &pinned, &found).ok() || !found) {
      continue;
    }
    // A record that was set again has another expiry, and its own row.
    if (!ParseRecord(key, pinned.view(), &record).ok() || record.header.expiry != expiry) continue;
    PendingChange& change = request.changes.emplace_back();
    change.is_delete = true;
    change.key = key;
    change.only_if_record = Hash64(pinned.view());
  }
  request.more_rows = [&](EngineBatch& batch) {
    for (const std::string& row : rows) batch.Delete(Family::kIndex, row);
  };
  // If this is lost in a crash, or refused, the rows are still there for the next time.
  if (!Run({.durability = Durability::kBuffered}, request).ok()) return 0;
  expired_.fetch_add(request.applied, std::memory_order_relaxed);
  return rows.size();
}

void Store::Impl::RebuildCrowded() {
  const std::unique_lock define_lock(define_mutex_, std::try_to_lock);
  if (!define_lock.owns_lock()) return;  // spaces are being changed: another time
  for (const auto& space : Spaces().all()) {
    const std::shared_ptr<VectorTable> vectors = space->index()->view()->vectors;
    if (vectors == nullptr) continue;
    const uint64_t dead = vectors->size() - vectors->live();
    if (dead < std::max(kCrowdedMin, vectors->live())) continue;
    // A rebuild that fails leaves what is there; the next round tries again.
    if (!RebuildVectors(*space).ok()) return;
  }
}

// Copies the living vectors of a space into new memory while writers go on: from the start they
// write to both, so the copy only has to bring over what was there before.
absl::Status Store::Impl::RebuildVectors(const ActiveSpace& space) {
  const std::shared_ptr<VectorTable> to = space.NewVectors();
  std::shared_ptr<VectorTable> from;
  size_t count = 0;
  {
    const std::lock_guard lock(publish_mutex_);
    from = space.index()->view()->vectors;
    rebuild_ = {.space = space.id(), .vectors = to};
    count = from->size();
  }
  const absl::Status status = CopyLiving(space, *from, count, *to);
  const std::lock_guard lock(publish_mutex_);
  rebuild_ = {};
  if (status.ok()) space.index()->ReplaceVectors(to);
  return status;
}

absl::Status Store::Impl::CopyLiving(const ActiveSpace& space, const VectorTable& from,
                                     size_t count, VectorTable& to) {
  for (size_t begin = 0; begin < count; begin += kRebuildStep) {
    const size_t end = std::min(count, begin + kRebuildStep);
    std::vector<std::pair<const DocumentEntry*, DerivedDocument>> step;
    for (size_t i = begin; i < end; ++i) {
      const DocumentEntry& entry = from.documents()[i];
      if (entry.died.load(std::memory_order_acquire) != kNeverDied) continue;
      DerivedDocument derived;
      LIBKV_RETURN_IF_ERROR(ReadCode(space, entry.document, &derived));
      step.emplace_back(&entry, std::move(derived));
    }
    const std::lock_guard lock(publish_mutex_);
    for (const auto& [entry, derived] : step) {
      if (!derived.has_vector()) continue;
      if (entry->died.load(std::memory_order_acquire) != kNeverDied) continue;
      to.Add(entry->document, entry->key, entry->born, entry->expiry, derived);
    }
    const std::lock_guard stop_lock(maintenance_mutex_);
    if (stopping_) return MakeStatus(absl::StatusCode::kCancelled, "the store is closing");
  }
  return absl::OkStatus();
}

}  // namespace libkv
