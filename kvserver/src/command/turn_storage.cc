#include "command/turn_storage.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cluster/stamp.h"
#include "command/parked_vector.h"
#include "command/stored_records.h"
#include "command/system_keys.h"

namespace kvserver {

std::optional<cluster::StoredRecord> WriteTurns::TurnStorage::RecordOf(const Write& write,
                                                                       int64_t now,
                                                                       bool with_vector) {
  if (!write.IsSeen(now)) return std::nullopt;
  cluster::StoredRecord record{std::string(write.value), "", write.expiry, {}};
  if (with_vector) record.vector.assign(write.vector.begin(), write.vector.end());
  record.stamp = UnparkVector(write.stamp, with_vector ? &record.vector : nullptr);
  return record;
}

absl::StatusOr<std::optional<cluster::StoredRecord>> WriteTurns::TurnStorage::Read(
    std::string_view key, bool with_vector) {
  const auto found = turns_.overlay_.find(key);
  if (found == turns_.overlay_.end()) return ReadRecord(turns_.store_, {}, key, with_vector);
  return RecordOf(found->second.write, turns_.clock_(), with_vector);
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
  PendingStamps pending;
  const int64_t now = turns_.clock_();
  for (const auto& [key, slot] : turns_.overlay_) {
    if (key < first || (!end.empty() && key >= end)) continue;
    pending.emplace(key, PendingStamp{slot.write.IsSeen(now), slot.write.stamp});
  }
  return ForEachRecord(turns_.store_, {}, std::move(pending), first, end, visit);
}

// A snapshot of the store, and a copy of what was pending: a turn's bytes, for each that waits.
class WriteTurns::TurnStorage::Past : public cluster::RecordView {
 public:
  explicit Past(WriteTurns& turns) : turns_(turns), snapshot_(turns.store_.GetSnapshot()) {
    for (const auto& [key, slot] : turns.overlay_) {
      Copy& copy = pending_[std::string(key)];
      copy.value = slot.write.value;
      copy.stamp = slot.write.stamp;
      copy.vector.assign(slot.write.vector.begin(), slot.write.vector.end());
      copy.write = slot.write;
      copy.write.key = {};
      copy.write.value = copy.value;
      copy.write.stamp = copy.stamp;
      copy.write.vector = copy.vector;
    }
  }

  absl::StatusOr<std::optional<cluster::StoredRecord>> Read(std::string_view key,
                                                            bool with_vector) override {
    const auto found = pending_.find(key);
    if (found != pending_.end()) {
      return RecordOf(found->second.write, turns_.clock_(), with_vector);
    }
    auto record = ReadRecord(turns_.store_, snapshot_, key, with_vector);
    if (!record.ok() || !*record || !with_vector) return record;
    if (!(*record)->vector.empty() || !cluster::StampHasVector((*record)->stamp)) return record;
    // Its space is gone since; then it waits in the record.
    auto now = TurnStorage(turns_).Read(key, true);
    if (!now.ok()) return now.status();
    if (*now && (*now)->stamp == (*record)->stamp) (*record)->vector = std::move((*now)->vector);
    return record;
  }

  absl::Status ForEachStamp(
      std::string_view first, std::string_view end,
      absl::FunctionRef<bool(std::string_view key, std::string_view stamp)> visit) override {
    PendingStamps pending;
    const int64_t now = turns_.clock_();
    for (auto at = pending_.lower_bound(first);
         at != pending_.end() && (end.empty() || at->first < end); ++at) {
      pending.emplace(at->first, PendingStamp{at->second.write.IsSeen(now), at->second.stamp});
    }
    return ForEachRecord(turns_.store_, snapshot_, std::move(pending), first, end, visit);
  }

 private:
  struct Copy {
    std::string value, stamp;
    std::vector<float> vector;
    Write write;  // of these
  };
  WriteTurns& turns_;
  const std::shared_ptr<const libkv::Snapshot> snapshot_;
  std::map<std::string, Copy, std::less<>> pending_;
};

std::unique_ptr<cluster::RecordView> WriteTurns::TurnStorage::Snapshot() {
  return std::make_unique<Past>(turns_);
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
