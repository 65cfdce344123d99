#include "command/stored_records.h"

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "cluster/stamp.h"
#include "command/parked_vector.h"
#include "command/system_keys.h"

namespace kvserver {
namespace {

using Found = std::optional<cluster::StoredRecord>;

absl::StatusOr<Found> ReadSystem(const libkv::Store& store, const libkv::ReadOptions& read,
                                 std::string_view key) {
  const absl::StatusOr<std::string> row = store.GetRow(read, SystemRow(key));
  if (absl::IsNotFound(row.status())) return Found();
  if (!row.ok()) return row.status();
  std::string_view stamp, value;
  if (!ReadSystemRow(*row, &stamp, &value)) {
    return absl::DataLossError("the row of a system key is malformed");
  }
  return Found({std::string(value), std::string(stamp), 0, {}});
}

}  // namespace

absl::StatusOr<Found> ReadRecord(const libkv::Store& store, const SnapshotOrNow& at,
                                 std::string_view key, bool with_vector) {
  const libkv::ReadOptions read{.snapshot = at};
  if (IsSystemKey(key)) return ReadSystem(store, read, key);
  absl::StatusOr<libkv::Entry> stored = store.GetEntry(read, key);
  if (absl::IsNotFound(stored.status())) return Found();
  if (!stored.ok()) return stored.status();
  cluster::StoredRecord record{std::move(stored->value), "", stored->expiry.value_or(0), {}};
  record.stamp = UnparkVector(stored->stamp, with_vector ? &record.vector : nullptr);
  if (with_vector && record.vector.empty() && cluster::StampHasVector(record.stamp)) {
    absl::StatusOr<std::vector<float>> vector = store.GetVector(read, key);
    const bool has_none =
        absl::IsNotFound(vector.status()) || absl::IsFailedPrecondition(vector.status());
    if (!vector.ok() && !has_none) return vector.status();
    if (vector.ok()) record.vector = *std::move(vector);
  }
  return Found(std::move(record));
}

absl::Status ForEachRecord(
    const libkv::Store& store, const SnapshotOrNow& at, PendingStamps pending,
    std::string_view first, std::string_view end,
    absl::FunctionRef<bool(std::string_view key, std::string_view stamp)> visit) {
  // System keys are rows, and few.
  std::deque<std::pair<std::string, std::string>> system;  // key, stamp
  const absl::Status walked = store.ForEachRow(
      {.snapshot = at}, kSystemRowPrefix, [&](std::string_view name, std::string_view row) {
        std::string key = SystemKeyOfRow(name);
        std::string_view stamp, value;
        if (key < first || (!end.empty() && key >= end)) return true;
        if (!ReadSystemRow(row, &stamp, &value)) return true;
        const auto& added = system.emplace_back(std::move(key), stamp);
        pending.emplace(added.first, PendingStamp{true, added.second});
        return true;
      });
  if (!walked.ok()) return walked;
  auto next = pending.begin();
  const auto visit_pending = [&] {
    const auto& [key, write] = *next++;
    return !write.is_seen || visit(key, UnparkVector(write.stamp, nullptr));
  };
  const auto it =
      store.NewIterator({.snapshot = at, .fill_cache = false},
                        {.prefix = "", .first = std::string(first), .end = std::string(end)});
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    while (next != pending.end() && next->first < it->key()) {
      if (!visit_pending()) return absl::OkStatus();
    }
    if (next != pending.end() && next->first == it->key()) continue;
    if (!visit(it->key(), UnparkVector(it->stamp(), nullptr))) return absl::OkStatus();
  }
  if (!it->status().ok()) return it->status();
  while (next != pending.end()) {
    if (!visit_pending()) return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace kvserver
