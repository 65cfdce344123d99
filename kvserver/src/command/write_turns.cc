#include "command/write_turns.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace kvserver {
namespace {

// What a write costs beside its bytes.
constexpr size_t kWriteOverhead = 32;

}  // namespace

size_t WriteTurns::KeyHash::operator()(std::string_view key) const {
  return XXH3_64bits(key.data(), key.size());
}

WriteTurns::WriteTurns(libkv::Store& store, std::function<int64_t()> clock, OnFinished on_finished)
    : store_(store), clock_(std::move(clock)), on_finished_(std::move(on_finished)) {
  filling_ = NewTurn();
}

WriteTurns::~WriteTurns() { Quiesce(); }

std::unique_ptr<WriteTurns::Turn> WriteTurns::NewTurn() {
  std::unique_ptr<Turn> turn = spare_ != nullptr ? std::move(spare_) : std::make_unique<Turn>();
  turn->number = next_number_++;
  return turn;
}

WriteTurns::Writer::Writer(WriteTurns& turns, libkv::Durability durability)
    : turns_(turns), lock_(turns.mutex_), durability_(durability) {}

WriteTurns::Writer::~Writer() { Finish(); }

absl::StatusOr<std::optional<WriteTurns::Entry>> WriteTurns::Writer::Read(std::string_view key) {
  const auto found = turns_.overlay_.find(key);
  if (found != turns_.overlay_.end()) {
    const Slot& slot = found->second;
    if (slot.turn >= seen_.turn) seen_ = {slot.turn, slot.unit};
    const Write& write = slot.write;
    const bool is_over = write.expiry != 0 && write.expiry <= turns_.clock_();
    if (write.is_delete || is_over) return std::optional<Entry>();
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
    if (slot.turn >= seen_.turn) seen_ = {slot.turn, slot.unit};
    const bool is_over = slot.write.expiry != 0 && slot.write.expiry <= turns_.clock_();
    return !slot.write.is_delete && !is_over;
  }
  const absl::Status status = turns_.store_.View({}, key, [](std::string_view) {});
  if (absl::IsNotFound(status)) return false;
  if (!status.ok()) return status;
  return true;
}

absl::StatusOr<std::vector<float>> WriteTurns::Writer::ReadVector(std::string_view key) {
  const auto found = turns_.overlay_.find(key);
  if (found == turns_.overlay_.end()) return turns_.store_.GetVector(key);
  const Slot& slot = found->second;
  if (slot.turn >= seen_.turn) seen_ = {slot.turn, slot.unit};
  const Write& write = slot.write;
  if (write.is_delete || write.vector.empty()) return absl::NotFoundError("");
  return std::vector<float>(write.vector.begin(), write.vector.end());
}

void WriteTurns::Writer::Set(std::string_view key, std::string_view value, int64_t expiry,
                             std::span<const float> vector) {
  if (expiry != 0 && expiry <= turns_.clock_()) return Delete(key);
  ++count_;
  turns_.Add({.key = key, .value = value, .vector = vector, .expiry = expiry});
}

void WriteTurns::Writer::Delete(std::string_view key) {
  ++count_;
  turns_.Add({.is_delete = true, .key = key, .value = {}, .vector = {}});
}

void WriteTurns::Add(const Write& write) {
  Turn& turn = *filling_;
  Write own = write;
  own.key = turn.arena.Copy(write.key);
  own.value = turn.arena.Copy(write.value);
  if (!write.vector.empty()) {
    const std::string_view bytes = turn.arena.Copy(
        {reinterpret_cast<const char*>(write.vector.data()), write.vector.size_bytes()});
    own.vector = {reinterpret_cast<const float*>(bytes.data()), write.vector.size()};
  }
  turn.writes.push_back(own);
  turn.bytes += write.key.size() + write.value.size() + write.vector.size_bytes() + kWriteOverhead;
  // The key of the map must not be one of a turn that ends earlier.
  overlay_.erase(own.key);
  overlay_.emplace(own.key, Slot{turn.number, static_cast<uint32_t>(turn.unit_ends.size()), own});
}

WriteTurns::Hold WriteTurns::Writer::Finish() {
  if (finished_) return {};
  finished_ = true;
  Hold hold = seen_;
  if (count_ > 0) {
    Turn& turn = *turns_.filling_;
    hold = {turn.number, static_cast<uint32_t>(turn.unit_ends.size())};
    turn.unit_ends.push_back(turn.writes.size());
    turn.durability = std::min(turn.durability, durability_);  // the strongest comes first
    if (turn.writes.size() >= kTurnWritesMax || turn.bytes >= kTurnBytesMax) {
      turns_.is_full_.store(true, std::memory_order_relaxed);
    }
  }
  lock_.unlock();
  return hold;
}

std::optional<std::optional<WriteTurns::Entry>> WriteTurns::Pending(std::string_view key,
                                                                    Hold& hold) {
  const std::lock_guard lock(mutex_);
  const auto found = overlay_.find(key);
  if (found == overlay_.end()) return std::nullopt;
  const Slot& slot = found->second;
  hold = {slot.turn, slot.unit};
  const bool is_over = slot.write.expiry != 0 && slot.write.expiry <= clock_();
  if (slot.write.is_delete || is_over) return std::optional<Entry>();
  return std::optional<Entry>({std::string(slot.write.value), slot.write.expiry});
}

void WriteTurns::Submit() {
  std::unique_lock lock(mutex_);
  SubmitLocked(lock);
}

void WriteTurns::SubmitLocked(std::unique_lock<std::mutex>& lock) {
  if (filling_->writes.empty()) return;
  Turn& turn = *filling_;
  flying_.push_back(std::move(filling_));
  filling_ = NewTurn();
  is_full_.store(false, std::memory_order_relaxed);
  submitted_.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard submit(submit_mutex_);
  lock.unlock();

  libkv::Batch batch;
  for (const Write& write : turn.writes) {
    if (write.is_delete) {
      batch.Delete(write.key);
    } else {
      batch.Set(write.key, write.value, {.expires_at = write.expiry, .vector = write.vector});
    }
  }
  store_.Write({.durability = turn.durability}, std::move(batch),
               [this, &turn](absl::Status status) {
                 if (status.ok()) {
                   TurnDone(turn, {});
                 } else if (absl::IsInvalidArgument(status) && turn.unit_ends.size() > 1) {
                   // One request spoils the commit of all; nothing of it was stored.
                   WriteEach(turn);
                 } else {
                   std::vector<Failure> failures;
                   for (uint32_t unit = 0; unit < turn.unit_ends.size(); ++unit) {
                     failures.push_back({unit, status});
                   }
                   TurnDone(turn, std::move(failures));
                 }
               });
}

void WriteTurns::WriteEach(Turn& turn) {
  struct Rest {
    std::mutex mutex;
    size_t waiting = 0;
    std::vector<Failure> failures;
  };
  const auto rest = std::make_shared<Rest>();
  rest->waiting = turn.unit_ends.size();
  size_t begin = 0;
  for (uint32_t unit = 0; unit < turn.unit_ends.size(); ++unit) {
    libkv::Batch batch;
    for (; begin < turn.unit_ends[unit]; ++begin) {
      const Write& write = turn.writes[begin];
      if (write.is_delete) {
        batch.Delete(write.key);
      } else {
        batch.Set(write.key, write.value, {.expires_at = write.expiry, .vector = write.vector});
      }
    }
    const auto done = [this, &turn, rest, unit](absl::Status status) {
      std::unique_lock lock(rest->mutex);
      if (!status.ok()) rest->failures.push_back({unit, std::move(status)});
      if (--rest->waiting > 0) return;
      std::vector<Failure> failures = std::move(rest->failures);
      lock.unlock();
      std::sort(failures.begin(), failures.end(),
                [](const Failure& a, const Failure& b) { return a.unit < b.unit; });
      TurnDone(turn, std::move(failures));
    };
    store_.Write({.durability = turn.durability}, std::move(batch), done);
  }
}

void WriteTurns::TurnDone(Turn& done, std::vector<Failure> failures) {
  // Turns are reported in order, though one that fails at once is done before those in front of it.
  const std::lock_guard finish(finish_mutex_);
  std::unique_lock lock(mutex_);
  done.is_done = true;
  done.failures = std::move(failures);
  while (!flying_.empty() && flying_.front()->is_done) {
    std::unique_ptr<Turn> turn = std::move(flying_.front());
    flying_.pop_front();
    for (const Write& write : turn->writes) {
      const auto found = overlay_.find(write.key);
      if (found != overlay_.end() && found->second.turn == turn->number) overlay_.erase(found);
    }
    auto finished = std::make_shared<Finished>();
    finished->turn = turn->number;
    finished->failures = std::move(turn->failures);
    turn->arena.Clear();
    turn->writes.clear();
    turn->unit_ends.clear();
    turn->bytes = 0;
    turn->durability = libkv::Durability::kBuffered;
    turn->is_done = false;
    turn->failures.clear();
    if (spare_ == nullptr) spare_ = std::move(turn);
    last_finished_.store(finished->turn, std::memory_order_release);
    lock.unlock();
    on_finished_(finished);
    lock.lock();
  }
  if (flying_.empty()) idle_.notify_all();
}

std::unique_lock<std::mutex> WriteTurns::Quiesce() {
  std::unique_lock lock(mutex_);
  while (!filling_->writes.empty() || !flying_.empty()) {
    SubmitLocked(lock);
    if (!lock.owns_lock()) lock.lock();
    idle_.wait(lock, [this] { return flying_.empty(); });
  }
  return lock;
}

}  // namespace kvserver
