#include "command/write_turns.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <utility>

#include "base/clock.h"
#include "cluster/stamp.h"
#include "command/parked_vector.h"
#include "command/system_keys.h"

namespace kvserver {
namespace {

// What a write costs beside its bytes.
constexpr size_t kWriteOverhead = 32;
// From so many writes on, sorting them costs less than what it saves in the store's skip list.
constexpr size_t kSortedWritesMin = 64;
// How old the list of spaces with slow embedders may be.
constexpr int64_t kSlowPrefixesMaxUs = 50'000;
constexpr std::string_view kBuiltInEmbedder = "hash/1";

using cluster::Level;

size_t NumberOf(Level level) { return static_cast<size_t>(level); }

bool IsOver(int64_t expiry, int64_t now) { return expiry != 0 && expiry <= now; }

}  // namespace

void WriteTurns::AddTo(libkv::Batch& batch, const Write& write) const {
  if (replicator_ != nullptr && IsSystemKey(write.key)) {
    if (write.is_delete) {
      batch.DeleteRow(SystemRow(write.key));
    } else {
      batch.PutRow(SystemRow(write.key), SystemRowValue(write.stamp, write.value));
    }
  } else if (write.is_delete) {
    batch.Delete(write.key);
  } else {
    batch.Set(write.key, write.value,
              {.expires_at = write.expiry, .vector = write.vector, .stamp = write.stamp});
  }
}

// The turn that is filling, as replication sees it. Lives under the lock.
class WriteTurns::TurnStorage : public cluster::Storage {
 public:
  explicit TurnStorage(WriteTurns& turns) : turns_(turns) {}

  absl::StatusOr<std::optional<cluster::StoredRecord>> Read(std::string_view key,
                                                            bool with_vector) override {
    using Found = std::optional<cluster::StoredRecord>;
    const auto found = turns_.overlay_.find(key);
    if (found != turns_.overlay_.end()) {
      const Write& write = found->second.write;
      if (write.is_delete || IsOver(write.expiry, turns_.clock_())) return Found();
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

  void Set(std::string_view key, const cluster::StoredRecord& record) override {
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
  void Delete(std::string_view key) override {
    turns_.Add({.is_delete = true, .key = key, .value = {}, .vector = {}});
  }

  const cluster::MergeFunction* MergeOf(std::string_view key) override {
    // Of definitions the latest counts, whatever they say of keys.
    return IsSystemKey(key) ? nullptr : turns_.conflict_rules_->Of(key);
  }

  void PutRow(std::string_view name, std::string_view value) override {
    Turn& turn = *turns_.filling_;
    turn.rows.push_back({.unit = static_cast<uint32_t>(turn.unit_ends.size()),
                         .name = turn.arena.Copy(name),
                         .value = turn.arena.Copy(value)});
    turn.bytes += name.size() + value.size() + kWriteOverhead;
  }
  void DeleteRow(std::string_view name) override {
    Turn& turn = *turns_.filling_;
    turn.rows.push_back({.is_delete = true,
                         .unit = static_cast<uint32_t>(turn.unit_ends.size()),
                         .name = turn.arena.Copy(name),
                         .value = {}});
    turn.bytes += name.size() + kWriteOverhead;
  }
  // Only at the start, when nothing is pending.
  absl::Status ForEachRow(
      std::string_view prefix,
      absl::FunctionRef<bool(std::string_view name, std::string_view value)> visit) override {
    return turns_.store_.ForEachRow({}, prefix, visit);
  }

  absl::Status ForEachStamp(
      std::string_view first, std::string_view end,
      absl::FunctionRef<bool(std::string_view key, std::string_view stamp)> visit) override {
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
      if (write.is_delete || IsOver(write.expiry, now)) return true;
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

 private:
  absl::StatusOr<std::optional<cluster::StoredRecord>> ReadSystem(std::string_view key) {
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

  // Whether the space of the key takes the vector, and will go on to. One that the store would
  // refuse must not reach it: with it the whole turn would be refused.
  bool IsTaken(std::string_view key, std::span<const float> vector) const {
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

  WriteTurns& turns_;
};

size_t WriteTurns::KeyHash::operator()(std::string_view key) const {
  return XXH3_64bits(key.data(), key.size());
}

WriteTurns::WriteTurns(libkv::Store& store, std::function<int64_t()> clock, OnFinished on_finished)
    : store_(store), clock_(std::move(clock)), on_finished_(std::move(on_finished)) {
  filling_ = NewTurn();
}

WriteTurns::~WriteTurns() {
  std::unique_lock lock = Quiesce();
  idle_.wait(lock, [this] { return finishing_ == 0; });
  is_closing_ = true;
  lock.unlock();
  slow_wake_.notify_one();
  if (slow_thread_.joinable()) slow_thread_.join();
}

std::unique_ptr<WriteTurns::Turn> WriteTurns::NewTurn() {
  std::unique_ptr<Turn> turn = spare_ != nullptr ? std::move(spare_) : std::make_unique<Turn>();
  turn->number = next_number_++;
  return turn;
}

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
    if (slot.turn >= seen_.turn) seen_ = turns_.HoldOf(slot);
    const bool is_over = slot.write.expiry != 0 && slot.write.expiry <= turns_.clock_();
    return !slot.write.is_delete && !is_over;
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
  absl::StatusOr<std::vector<float>> stored = turns_.store_.GetVector(key);
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
    const bool is_over = slot.write.expiry != 0 && slot.write.expiry <= now;
    keys.push_back({key, !slot.write.is_delete && !is_over});
  }
  return keys;
}

void WriteTurns::Writer::Set(std::string_view key, std::string_view value, int64_t expiry,
                             std::span<const float> vector) {
  if (IsOver(expiry, turns_.clock_())) return Delete(key);
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

void WriteTurns::Add(const Write& write) {
  Turn& turn = *filling_;
  Write own = write;
  own.key = turn.arena.Copy(write.key);
  own.value = turn.arena.Copy(write.value);
  own.stamp = turn.arena.Copy(write.stamp);
  if (!write.vector.empty()) {
    const std::string_view bytes = turn.arena.Copy(
        {reinterpret_cast<const char*>(write.vector.data()), write.vector.size_bytes()});
    own.vector = {reinterpret_cast<const float*>(bytes.data()), write.vector.size()};
  }
  turn.writes.push_back(own);
  has_writes_.store(true, std::memory_order_relaxed);
  turn.bytes += write.key.size() + write.value.size() + write.vector.size_bytes() +
                write.stamp.size() + kWriteOverhead;
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

std::optional<std::optional<WriteTurns::Entry>> WriteTurns::Pending(std::string_view key,
                                                                    Hold& hold) {
  const std::lock_guard lock(mutex_);
  const auto found = overlay_.find(key);
  if (found == overlay_.end()) return std::nullopt;
  const Slot& slot = found->second;
  hold = HoldOf(slot);
  const bool is_over = slot.write.expiry != 0 && slot.write.expiry <= clock_();
  if (slot.write.is_delete || is_over) return std::optional<Entry>();
  return std::optional<Entry>({std::string(slot.write.value), slot.write.expiry});
}

void WriteTurns::WithStorage(absl::FunctionRef<void(cluster::Storage& turn)> work) {
  {
    const std::lock_guard lock(mutex_);
    TurnStorage storage(*this);
    work(storage);
  }
  replicator_->Flush();
}

void WriteTurns::SetConflictRules(std::shared_ptr<const ConflictRules> rules) {
  const std::lock_guard lock(mutex_);
  const std::lock_guard rules_lock(rules_mutex_);
  conflict_rules_ = std::move(rules);
}

std::shared_ptr<const ConflictRules> WriteTurns::conflict_rules() const {
  const std::lock_guard lock(rules_mutex_);
  return conflict_rules_;
}

void WriteTurns::SetLeavingSpaces(std::vector<std::string> prefixes) {
  const std::lock_guard lock(mutex_);
  leaving_spaces_ = std::move(prefixes);
}

void WriteTurns::OnSystemKeys(std::function<void()> on_system_keys) {
  const std::lock_guard lock(mutex_);
  on_system_keys_ = std::move(on_system_keys);
}

uint64_t WriteTurns::PendingTurn(std::string_view key) const {
  const auto found = overlay_.find(key);
  return found == overlay_.end() ? 0 : found->second.turn;
}

WriteTurns::Hold WriteTurns::PendingHold(std::string_view key) {
  const auto found = overlay_.find(key);
  return found == overlay_.end() ? Hold() : HoldOf(found->second);
}

// It waits until that is stored, whatever its writer waits for.
WriteTurns::Hold WriteTurns::HoldOf(const Slot& slot) {
  Turn* turn = filling_.get();
  for (const std::unique_ptr<Turn>& flying : flying_) {
    if (flying->number == slot.turn) turn = flying.get();
  }
  turn->levels.Add(cluster::Level::kOne);
  return {slot.turn, slot.unit, cluster::Level::kOne};
}

void WriteTurns::SubmitStorage() {
  std::unique_lock lock(mutex_);
  if (!flying_.empty() && filling_->bytes < kTurnBytesMax) {
    is_put_off_ = true;
    return;
  }
  SubmitLocked(lock);
}

bool WriteTurns::Submit(Here here) {
  if (!has_writes_.load(std::memory_order_relaxed)) return false;
  std::unique_lock lock(mutex_);
  // Who hands over makes room and must not wait for it; nor must the store's thread, which comes by
  // SubmitStorage.
  if (handing_over_ != std::this_thread::get_id()) {
    room_.wait(lock, [this] { return waiting_bytes_.load() < kWaitingBytesMax; });
  }
  return SubmitLocked(lock, here);
}

libkv::Batch WriteTurns::BatchOf(const Turn& turn, size_t begin, size_t end) const {
  libkv::Batch batch;
  for (; begin < end; ++begin) AddTo(batch, turn.writes[begin]);
  return batch;
}

// In the order of their keys, those of one key as they were: the skip list of the store finds each
// place from the one before.
libkv::Batch WriteTurns::SortedBatchOf(const Turn& turn) const {
  std::vector<const Write*> order;
  order.reserve(turn.writes.size());
  for (const Write& write : turn.writes) order.push_back(&write);
  std::sort(order.begin(), order.end(), [](const Write* a, const Write* b) {
    const int compared = a->key.compare(b->key);
    return compared != 0 ? compared < 0 : a < b;
  });
  libkv::Batch batch;
  for (const Write* const write : order) AddTo(batch, *write);
  return batch;
}

// The lock is released when this returns.
bool WriteTurns::SubmitLocked(std::unique_lock<std::mutex>& lock, Here here) {
  if (replicator_ != nullptr) {
    TurnStorage storage(*this);
    filling_->sealed = replicator_->Seal(storage);
    // The others count on the order of what is on disk.
    filling_->durability = libkv::Durability::kSynced;
  }
  if (filling_->unit_ends.empty() && filling_->writes.empty() && filling_->rows.empty()) {
    lock.unlock();
    if (replicator_ != nullptr) replicator_->Flush();
    return false;
  }
  RefreshSlowPrefixes();
  filling_->is_slow =
      !slow_prefixes_.empty() && std::any_of(filling_->writes.begin(), filling_->writes.end(),
                                             [this](const Write& write) { return IsSlow(write); });
  const bool commits_here = MayCommitHere(*filling_, here);
  waiting_bytes_.fetch_add(filling_->bytes);
  to_store_.push_back(filling_.get());
  flying_.push_back(std::move(filling_));
  filling_ = NewTurn();
  is_put_off_ = false;
  is_full_.store(false, std::memory_order_relaxed);
  has_writes_.store(false, std::memory_order_relaxed);
  submitted_.fetch_add(1, std::memory_order_relaxed);
  const bool is_left = std::exchange(is_handing_over_, true);
  if (!is_left) handing_over_ = std::this_thread::get_id();
  lock.unlock();
  if (replicator_ != nullptr) replicator_->Flush();
  if (!is_left) HandOver(commits_here, false);
  return !is_left && commits_here;
}

// Nothing is under way that it would wait for, and the wait is short.
bool WriteTurns::MayCommitHere(const Turn& turn, Here here) const {
  if (here == Here::kNothing || replicator_ != nullptr || turn.is_slow) return false;
  if (turn.durability == libkv::Durability::kSynced && here != Here::kAll) return false;
  return flying_.empty() && !is_handing_over_ && turn.writes.size() <= kHereWritesMax &&
         turn.bytes <= kHereBytesMax;
}

// Which spaces ask an embedder that is not the built-in one: those of a while ago, so that a turn
// costs a look at the clock. A turn of a newer space is embedded by the thread that submits it.
void WriteTurns::RefreshSlowPrefixes() {
  const int64_t now = SteadyMicroseconds();
  if (slow_prefixes_us_ != 0 && now - slow_prefixes_us_ < kSlowPrefixesMaxUs) return;
  slow_prefixes_us_ = now;
  slow_prefixes_.clear();
  for (const libkv::Space& space : store_.Spaces()) {
    if (space.embedder == nullptr || space.learn) continue;
    if (space.embedder->identity() != kBuiltInEmbedder) slow_prefixes_.push_back(space.prefix);
  }
}

void WriteTurns::AddRow(const RowWrite& row, libkv::Batch& batch) {
  if (row.is_delete) {
    batch.DeleteRow(row.name);
  } else {
    batch.PutRow(row.name, row.value);
  }
}

bool WriteTurns::IsSlow(const Write& write) const {
  return !write.is_delete && write.vector.empty() &&
         std::any_of(slow_prefixes_.begin(), slow_prefixes_.end(),
                     [&](const std::string& prefix) { return write.key.starts_with(prefix); });
}

// By the one thread for which is_handing_over_ is set, which is cleared when nothing is left. The
// store may be done at once, when it refuses: then TurnDone is called within this, and locks.
void WriteTurns::HandOver(bool first_here, bool may_take_long) {
  std::unique_lock lock(mutex_);
  while (!to_store_.empty()) {
    Turn& turn = *to_store_.front();
    if (turn.is_slow && !may_take_long) return LeaveToSlowThread();
    to_store_.pop_front();
    waiting_bytes_.fetch_sub(turn.bytes);
    room_.notify_all();
    lock.unlock();
    WriteTurn(turn, std::exchange(first_here, false));
    lock.lock();
  }
  is_handing_over_ = false;
  handing_over_ = {};
}

// With the lock.
void WriteTurns::LeaveToSlowThread() {
  is_left_to_slow_ = true;
  handing_over_ = {};
  if (!slow_thread_.joinable()) slow_thread_ = std::thread([this] { RunSlowThread(); });
  slow_wake_.notify_one();
}

void WriteTurns::RunSlowThread() {
  std::unique_lock lock(mutex_);
  while (true) {
    slow_wake_.wait(lock, [this] { return is_left_to_slow_ || is_closing_; });
    if (!std::exchange(is_left_to_slow_, false)) return;
    handing_over_ = std::this_thread::get_id();
    lock.unlock();
    HandOver(/*first_here=*/false, /*may_take_long=*/true);
    lock.lock();
  }
}

void WriteTurns::WriteTurn(Turn& turn, bool here) {
  // The message of a request alone in its turn may count its items.
  const bool sorts = turn.writes.size() >= kSortedWritesMin && turn.unit_ends.size() > 1;
  libkv::Batch batch = sorts ? SortedBatchOf(turn) : BatchOf(turn, 0, turn.writes.size());
  for (const RowWrite& row : turn.rows) AddRow(row, batch);
  const libkv::Durability durability =
      skips_sync_ != nullptr && skips_sync_() ? libkv::Durability::kWritten : turn.durability;
  const libkv::WriteOptions write{.durability = durability};
  if (here) {
    committed_here_.fetch_add(1, std::memory_order_relaxed);
    return Written(turn, store_.Apply(write, batch));
  }
  store_.Write(write, std::move(batch),
               [this, &turn](absl::Status status) { Written(turn, std::move(status)); });
}

void WriteTurns::Written(Turn& turn, absl::Status status) {
  if (absl::IsInvalidArgument(status) && turn.unit_ends.size() > 1 && turn.sealed == 0) {
    // One request spoils the commit of all; nothing of it was stored.
    return WriteEach(turn);
  }
  // An embedder that cannot be reached is no reason to refuse what does not ask it.
  if (!status.ok() && turn.is_slow && turn.unit_ends.size() > 1 && turn.sealed == 0) {
    return WriteEach(turn, status);
  }
  std::vector<Failure> failures;
  if (!status.ok()) {
    for (uint32_t unit = 0; unit < turn.unit_ends.size(); ++unit)
      failures.push_back({unit, status});
  }
  TurnDone(turn, std::move(status), std::move(failures));
}

// Every request by itself; those that an embedder is asked for not at all, if `of_slow` says that
// it has failed.
void WriteTurns::WriteEach(Turn& turn, const absl::Status& of_slow) {
  struct Rest {
    std::mutex mutex;
    size_t waiting = 0;
    std::vector<Failure> failures;
  };
  const auto rest = std::make_shared<Rest>();
  const size_t units = turn.unit_ends.size();  // with the last write the turn may be gone
  rest->waiting = units;
  std::vector<bool> is_left_out(units, false);
  if (!of_slow.ok()) {
    const std::lock_guard lock(mutex_);
    for (size_t unit = 0, i = 0; unit < units; ++unit) {
      for (; i < turn.unit_ends[unit]; ++i) {
        if (IsSlow(turn.writes[i])) is_left_out[unit] = true;
      }
    }
  }
  size_t begin = 0;
  for (uint32_t unit = 0; unit < units; ++unit) {
    libkv::Batch batch = BatchOf(turn, begin, turn.unit_ends[unit]);
    begin = turn.unit_ends[unit];
    for (const RowWrite& row : turn.rows) {
      if (row.unit == unit) AddRow(row, batch);
    }
    const auto done = [this, &turn, rest, unit](absl::Status status) {
      std::unique_lock lock(rest->mutex);
      if (!status.ok()) rest->failures.push_back({unit, std::move(status)});
      if (--rest->waiting > 0) return;
      std::vector<Failure> failures = std::move(rest->failures);
      lock.unlock();
      std::sort(failures.begin(), failures.end(),
                [](const Failure& a, const Failure& b) { return a.unit < b.unit; });
      TurnDone(turn, absl::OkStatus(), std::move(failures));
    };
    if (is_left_out[unit]) {
      done(of_slow);
    } else {
      store_.Write({.durability = turn.durability}, std::move(batch), done);
    }
  }
}

void WriteTurns::TurnDone(Turn& done, absl::Status status, std::vector<Failure> failures) {
  // Turns are reported in order, though one that fails at once is done before those in front of it.
  std::unique_lock finish(finish_mutex_);
  std::unique_lock lock(mutex_);
  ++finishing_;
  done.is_done = true;
  done.status = std::move(status);
  done.failures = std::move(failures);
  while (!flying_.empty() && flying_.front()->is_done) {
    std::unique_ptr<Turn> turn = std::move(flying_.front());
    flying_.pop_front();
    bool has_system_keys = false;
    for (const Write& write : turn->writes) {
      has_system_keys |= replicator_ != nullptr && IsSystemKey(write.key);
      const auto found = overlay_.find(write.key);
      if (found != overlay_.end() && found->second.turn == turn->number) overlay_.erase(found);
    }
    if (has_system_keys && on_system_keys_) on_system_keys_();
    StoredTurn stored;
    stored.number = turn->number;
    stored.sealed = turn->sealed;
    stored.failures = std::move(turn->failures);
    if (stored.failures.empty()) stored.failures = std::move(turn->refused);
    const bool waits = turn->sealed != 0 && replicator_->Stored(turn->sealed, turn->status);
    if (replicator_ != nullptr) replicator_->NothingPending(turn->number);
    for (const Level level : cluster::kLevels) {
      stored.is_waited_for = turn->levels.Has(level);
      if (!stored.is_waited_for && level != Level::kOne) continue;
      const auto& acknowledgement = turn->acknowledgements[NumberOf(level)];
      stored.waits = waits && level != Level::kOne && !acknowledgement;
      stored.status = waits && acknowledgement ? *acknowledgement : absl::OkStatus();
      std::deque<StoredTurn>& queue = stored_[NumberOf(level)];
      queue.push_back(stored);
      // Those that do not concern the replicator do not break the order of those that do.
      if (stored.sealed == 0 && queue.size() > 1) {
        queue.back().sealed = queue[queue.size() - 2].sealed;
      }
    }
    turn->arena.Clear();
    turn->writes.clear();
    turn->rows.clear();
    turn->unit_ends.clear();
    turn->refused.clear();
    turn->sealed = 0;
    turn->bytes = 0;
    turn->durability = libkv::Durability::kBuffered;
    turn->is_slow = false;
    turn->is_done = false;
    turn->failures.clear();
    turn->status = absl::OkStatus();
    turn->levels = {};
    turn->acknowledgements = {};
    if (spare_ == nullptr) spare_ = std::move(turn);
  }
  ReportFinished(lock);
  if (flying_.empty()) idle_.notify_all();
  const bool is_put_off = std::exchange(is_put_off_, false);
  lock.unlock();
  finish.unlock();
  if (replicator_ != nullptr) {
    replicator_->Flush();
    if (is_put_off) on_stored_();
  }
  lock.lock();
  if (--finishing_ == 0) idle_.notify_all();
}

// With finish_mutex_ held too.
void WriteTurns::ReportFinished(std::unique_lock<std::mutex>& lock) {
  for (const Level level : cluster::kLevels) {
    std::deque<StoredTurn>& stored = stored_[NumberOf(level)];
    while (!stored.empty() && !stored.front().waits) {
      StoredTurn front = std::move(stored.front());
      stored.pop_front();
      Report(std::move(front), level, lock);
    }
  }
}

void WriteTurns::Report(StoredTurn stored, Level level, std::unique_lock<std::mutex>& lock) {
  auto finished = std::make_shared<Finished>();
  finished->turn = stored.number;
  finished->level = level;
  finished->failures = std::move(stored.failures);
  finished->status = std::move(stored.status);
  if (!finished->failures.empty() || !finished->status.ok()) {
    failed_.push_back(finished);
    if (failed_.size() > kFailedTurnsMax) failed_.pop_front();
  }
  last_finished_[NumberOf(level)].store(finished->turn, std::memory_order_release);
  if (!stored.is_waited_for) return;
  lock.unlock();
  on_finished_(finished);
  lock.lock();
}

void WriteTurns::Acknowledged(uint64_t sealed, Level level, const absl::Status& status) {
  const std::lock_guard finish(finish_mutex_);
  std::unique_lock lock(mutex_);
  std::deque<StoredTurn>& stored = stored_[NumberOf(level)];
  const auto found = std::lower_bound(
      stored.begin(), stored.end(), sealed,
      [](const StoredTurn& turn, uint64_t number) { return turn.sealed < number; });
  if (found != stored.end() && found->sealed == sealed && std::exchange(found->waits, false)) {
    found->status = status;
  }
  for (const std::unique_ptr<Turn>& turn : flying_) {
    if (turn->sealed == sealed) turn->acknowledgements[NumberOf(level)] = status;
  }
  ReportFinished(lock);
}

absl::Status WriteTurns::Finished::Of(uint32_t unit) const {
  const auto failure =
      std::lower_bound(failures.begin(), failures.end(), unit,
                       [](const Failure& each, uint32_t number) { return each.unit < number; });
  return failure != failures.end() && failure->unit == unit ? failure->status : status;
}

absl::Status WriteTurns::FailureOf(Hold hold) const {
  const std::lock_guard lock(mutex_);
  return FailureLocked(hold);
}

absl::Status WriteTurns::FailureLocked(Hold hold) const {
  for (const std::shared_ptr<const Finished>& finished : failed_) {
    if (finished->turn == hold.turn && finished->level == hold.level) {
      return finished->Of(hold.unit);
    }
  }
  return absl::OkStatus();
}

std::unique_lock<std::mutex> WriteTurns::Quiesce() {
  std::unique_lock lock(mutex_);
  while (!filling_->writes.empty() || !filling_->unit_ends.empty() || !flying_.empty()) {
    SubmitLocked(lock);
    if (!lock.owns_lock()) lock.lock();
    idle_.wait(lock, [this] { return flying_.empty(); });
  }
  return lock;
}

}  // namespace kvserver
