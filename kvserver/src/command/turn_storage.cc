#include "command/turn_storage.h"

#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "cluster/stamp.h"
#include "command/parked_vector.h"
#include "command/system_keys.h"

namespace kvserver {

absl::StatusOr<std::optional<cluster::StoredRecord>> WriteTurns::TurnStorage::Read(
    std::string_view key, bool with_vector) {
  using Found = std::optional<cluster::StoredRecord>;
  const auto found = turns_.overlay_.find(key);
  if (found != turns_.overlay_.end()) {
    const Write& write = found->second.write;
    if (!write.IsSeen(turns_.clock_())) return Found();
    cluster::StoredRecord record{std::string(write.value), "", write.expiry, {}};
    if (with_vector) record.vector.assign(write.vector.begin(), write.vector.end());
    record.stamp = UnparkVector(write.stamp, with_vector ? &record.vector : nullptr);
    return Found(std::move(record));
  }
  if (IsSystemKey(key)) return ReadSystem(key);
  absl::StatusOr<libkv::Entry> stored = turns_.store_.GetEntry({}, key);
  if (absl::IsNotFound(stored.status())) return Found();
  if (!stored.ok()) return stored.status();
  cluster::StoredRecord record{std::move(stored->value), "", stored->expiry.value_or(0), {}};
  record.stamp = UnparkVector(stored->stamp, with_vector ? &record.vector : nullptr);
  if (with_vector && record.vector.empty() && cluster::StampHasVector(record.stamp)) {
    absl::StatusOr<std::vector<float>> vector = turns_.store_.GetVector(key);
    const bool has_none =
        absl::IsNotFound(vector.status()) || absl::IsFailedPrecondition(vector.status());
    if (!vector.ok() && !has_none) return vector.status();
    if (vector.ok()) record.vector = *std::move(vector);
  }
  return Found(std::move(record));
}

void WriteTurns::TurnStorage::Set(std::string_view key, const cluster::StoredRecord& record) {
  Write write{.key = key,
              .value = record.value,
              .vector = record.vector,
              .expiry = record.expiry,
              .stamp = record.stamp};
  // A vector of another node that does not fit the spaces of this one waits.
  std::string parked;
  if (!record.vector.empty() && !IsTaken(key, record.vector)) {
    parked = ParkVector(record.stamp, record.vector);
    write.stamp = parked;
    write.vector = {};
  }
  turns_.Add(write);
}

void WriteTurns::TurnStorage::Delete(std::string_view key) {
  turns_.Add({.is_delete = true, .key = key, .value = {}, .vector = {}});
}

const cluster::MergeFunction* WriteTurns::TurnStorage::MergeOf(std::string_view key) {
  // Of definitions the latest counts, whatever they say of keys.
  return IsSystemKey(key) ? nullptr : turns_.conflict_rules_->Of(key);
}

void WriteTurns::TurnStorage::PutRow(std::string_view name, std::string_view value) {
  Turn& turn = *turns_.filling_;
  turn.rows.push_back({.unit = static_cast<uint32_t>(turn.unit_ends.size()),
                       .name = turn.arena.Copy(name),
                       .value = turn.arena.Copy(value)});
  turn.bytes += name.size() + value.size() + kWriteOverhead;
}

void WriteTurns::TurnStorage::DeleteRow(std::string_view name) {
  Turn& turn = *turns_.filling_;
  turn.rows.push_back({.is_delete = true,
                       .unit = static_cast<uint32_t>(turn.unit_ends.size()),
                       .name = turn.arena.Copy(name),
                       .value = {}});
  turn.bytes += name.size() + kWriteOverhead;
}
absl::Status WriteTurns::TurnStorage::ForEachRow(
    std::string_view prefix,
    absl::FunctionRef<bool(std::string_view name, std::string_view value)> visit) {
  return turns_.store_.ForEachRow({}, prefix, visit);
}

absl::Status WriteTurns::TurnStorage::ForEachStamp(
    std::string_view first, std::string_view end,
    absl::FunctionRef<bool(std::string_view key, std::string_view stamp)> visit) {
  // What is pending goes before what is stored.
  std::map<std::string_view, const Write*> pending;
  for (const auto& [key, slot] : turns_.overlay_) {
    if (key >= first && (end.empty() || key < end)) pending.emplace(key, &slot.write);
  }
  // System keys are rows, and few.
  std::deque<std::pair<std::string, std::string>> system;  // key, stamp
  std::deque<Write> system_writes;
  const absl::Status walked = turns_.store_.ForEachRow(
      {}, kSystemRowPrefix, [&](std::string_view name, std::string_view row) {
        std::string key = SystemKeyOfRow(name);
        std::string_view stamp, value;
        if (key < first || (!end.empty() && key >= end)) return true;
        if (!ReadSystemRow(row, &stamp, &value)) return true;
        system.emplace_back(std::move(key), stamp);
        return true;
      });
  if (!walked.ok()) return walked;
  for (const auto& [key, stamp] : system) {
    system_writes.push_back({.key = key, .value = {}, .vector = {}, .stamp = stamp});
    pending.emplace(key, &system_writes.back());
  }
  const int64_t now = turns_.clock_();
  auto next = pending.begin();
  const auto visit_pending = [&] {
    const Write& write = *next->second;
    const std::string_view key = next->first;
    ++next;
    if (!write.IsSeen(now)) return true;
    return visit(key, UnparkVector(write.stamp, nullptr));
  };
  const auto it = turns_.store_.NewIterator(
      {.snapshot = nullptr, .fill_cache = false},
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

absl::StatusOr<std::optional<cluster::StoredRecord>> WriteTurns::TurnStorage::ReadSystem(
    std::string_view key) {
  using Found = std::optional<cluster::StoredRecord>;
  const absl::StatusOr<std::string> row = turns_.store_.GetRow({}, SystemRow(key));
  if (absl::IsNotFound(row.status())) return Found();
  if (!row.ok()) return row.status();
  std::string_view stamp, value;
  if (!ReadSystemRow(*row, &stamp, &value)) {
    return absl::DataLossError("the row of a system key is malformed");
  }
  return Found({std::string(value), std::string(stamp), 0, {}});
}

bool WriteTurns::TurnStorage::IsTaken(std::string_view key, std::span<const float> vector) const {
  const std::optional<libkv::Space> space = turns_.store_.SpaceOf(key);
  if (!space || space->vector_dimension != vector.size()) return false;
  for (const std::string& prefix : turns_.leaving_spaces_) {
    if (key.starts_with(prefix)) return false;
  }
  constexpr float kHalfMax = 65'504;
  const float limit = space->precision == libkv::VectorPrecision::kFloat16
                          ? kHalfMax
                          : std::numeric_limits<float>::max();
  double norm = 0, rounded = 0;
  for (const float x : vector) {
    if (!(std::abs(x) <= limit)) return false;
    norm += static_cast<double>(x) * x;
    if (std::abs(x) >= 1e-7f) rounded = 1;  // what is left of it as a half
  }
  const bool is_half = space->precision == libkv::VectorPrecision::kFloat16;
  const bool is_zero = norm == 0 || (is_half && rounded == 0);
  constexpr double kNormMax = 1e30;  // the store takes a little more
  return space->metric == libkv::Metric::kCosine ? !is_zero : norm <= kNormMax;
}

}  // namespace kvserver
