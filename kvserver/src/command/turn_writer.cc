// One request that writes: it holds the lock, sees what is pending, and adds to the turn that is
// filling.
#include <algorithm>
#include <utility>

#include "command/system_keys.h"
#include "command/turn_storage.h"
#include "command/write_turns.h"

namespace kvserver {

WriteTurns::Writer::Writer(WriteTurns& turns, libkv::Durability durability, cluster::Level level)
    : turns_(turns),
      lock_(turns.mutex_),
      durability_(durability),
      level_(turns.is_replicated() ? level : cluster::Level::kOne) {}

WriteTurns::Writer::~Writer() { Finish(); }

absl::StatusOr<std::optional<WriteTurns::Entry>> WriteTurns::Writer::Read(std::string_view key) {
  const auto found = turns_.overlay_.find(key);
  if (found != turns_.overlay_.end()) {
    const Slot& slot = found->second;
    if (slot.turn >= seen_.turn) seen_ = turns_.HoldOf(slot);
    const Write& write = slot.write;
    if (!write.IsSeen(turns_.clock_())) return std::optional<Entry>();
    return std::optional<Entry>({std::string(write.value), write.expiry});
  }
  absl::StatusOr<libkv::Entry> stored = turns_.store_.GetEntry({}, key);
  if (absl::IsNotFound(stored.status())) return std::optional<Entry>();
  if (!stored.ok()) return stored.status();
  return std::optional<Entry>({std::move(stored->value), stored->expiry.value_or(0)});
}

absl::StatusOr<bool> WriteTurns::Writer::Exists(std::string_view key) {
  const auto found = turns_.overlay_.find(key);
  if (found != turns_.overlay_.end()) {
    const Slot& slot = found->second;
    if (slot.turn >= seen_.turn) seen_ = turns_.HoldOf(slot);
    return slot.write.IsSeen(turns_.clock_());
  }
  const absl::Status status = turns_.store_.View({}, key, [](std::string_view) {});
  if (absl::IsNotFound(status)) return false;
  if (!status.ok()) return status;
  return true;
}

absl::StatusOr<std::vector<float>> WriteTurns::Writer::VectorOf(std::string_view key) {
  const auto found = turns_.overlay_.find(key);
  if (found != turns_.overlay_.end()) {
    const std::span<const float> vector = found->second.write.vector;
    return std::vector<float>(vector.begin(), vector.end());
  }
  absl::StatusOr<std::vector<float>> stored = turns_.store_.GetVector({}, key);
  // It has none, or lies where there are none.
  if (absl::IsNotFound(stored.status()) || absl::IsFailedPrecondition(stored.status())) {
    return std::vector<float>();
  }
  return stored;
}

std::vector<WriteTurns::Writer::PendingKey> WriteTurns::Writer::PendingKeys() const {
  std::vector<PendingKey> keys;
  const int64_t now = turns_.clock_();
  for (const auto& [key, slot] : turns_.overlay_) {
    if (turns_.replicator_ != nullptr && IsSystemKey(key)) continue;
    keys.push_back({key, slot.write.IsSeen(now)});
  }
  return keys;
}

void WriteTurns::Writer::Set(std::string_view key, std::string_view value, int64_t expiry,
                             std::span<const float> vector) {
  if (expiry != 0 && expiry <= turns_.clock_()) return Delete(key);
  if (turns_.replicator_ != nullptr) {
    cluster::ClientWrite write;
    write.key = key;
    write.value = value;
    write.expiry = expiry;
    write.vector = vector;
    static_cast<void>(Replicate(write));  // the reply will be the error
    return;
  }
  ++count_;
  turns_.Add({.key = key, .value = value, .vector = vector, .expiry = expiry});
}

void WriteTurns::Writer::Delete(std::string_view key) {
  if (turns_.replicator_ != nullptr) {
    cluster::ClientWrite write;
    write.key = key;
    write.is_delete = true;
    static_cast<void>(Replicate(write));
    return;
  }
  ++count_;
  turns_.Add({.is_delete = true, .key = key, .value = {}, .vector = {}});
}

absl::Status WriteTurns::Writer::Replicate(const cluster::ClientWrite& write) {
  if (!IsSystemKey(write.key)) return GiveToReplicator(write);
  ++count_;
  if (failure_.ok()) failure_ = absl::InvalidArgumentError("keys that begin so are the cluster's");
  return failure_;
}

absl::Status WriteTurns::Writer::ReplicateSystem(const cluster::ClientWrite& write) {
  return GiveToReplicator(write);
}

absl::Status WriteTurns::Writer::GiveToReplicator(const cluster::ClientWrite& write) {
  ++count_;
  TurnStorage storage(turns_);
  const absl::StatusOr<cluster::Dot> dot = turns_.replicator_->Write(storage, write);
  if (!dot.ok()) {
    if (failure_.ok()) failure_ = dot.status();
    return dot.status();
  }
  if (dot->counter == 0) return absl::OkStatus();
  if (written_.first == 0) written_ = {dot->actor, dot->counter, dot->counter};
  written_.last = dot->counter;  // nobody writes in between
  return absl::OkStatus();
}

void WriteTurns::Writer::PutRow(std::string_view name, std::string_view value) {
  TurnStorage(turns_).PutRow(name, value);
}

void WriteTurns::Writer::WithStorage(absl::FunctionRef<void(cluster::Storage& turn)> work) {
  TurnStorage storage(turns_);
  work(storage);
}

WriteTurns::Hold WriteTurns::Writer::hold() const {
  const Turn& turn = *turns_.filling_;
  return {turn.number, static_cast<uint32_t>(turn.unit_ends.size()), level_};
}

WriteTurns::Hold WriteTurns::Writer::Finish() {
  if (finished_) return {};
  finished_ = true;
  Hold hold = seen_;
  if (count_ > 0) {
    Turn& turn = *turns_.filling_;
    hold = this->hold();
    turn.levels.Add(level_);
    if (!failure_.ok()) {
      turn.refused.push_back({hold.unit, std::move(failure_)});
      turns_.has_writes_.store(true, std::memory_order_relaxed);
    }
    if (turns_.replicator_ != nullptr) turns_.replicator_->EndUnit(level_);
    turn.unit_ends.push_back(turn.writes.size());
    turn.durability = std::min(turn.durability, durability_);  // the strongest comes first
    if (turn.writes.size() >= kTurnWritesMax || turn.bytes >= kTurnBytesMax) {
      turns_.is_full_.store(true, std::memory_order_relaxed);
    }
  }
  lock_.unlock();
  return hold;
}

}  // namespace kvserver
