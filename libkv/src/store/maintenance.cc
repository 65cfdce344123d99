// What happens by itself: expired keys are removed, segments are merged.
#include <chrono>

#include "base/hash.h"
#include "format/keys.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

constexpr auto kPause = std::chrono::milliseconds(500);
constexpr size_t kExpiredStep = 1'000;  // keys removed by one commit

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

}  // namespace libkv
