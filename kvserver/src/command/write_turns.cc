#include "command/write_turns.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "command/system_keys.h"
#include "command/turn_storage.h"

namespace kvserver {
namespace {

// From so many writes on, sorting them costs less than what it saves in the store's skip list.
constexpr size_t kSortedWritesMin = 64;
// How old the list of spaces with slow embedders may be.
constexpr int64_t kSlowPrefixesMaxUs = 50'000;
constexpr std::string_view kBuiltInEmbedder = "hash/1";

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

std::optional<std::optional<WriteTurns::Entry>> WriteTurns::Pending(std::string_view key,
                                                                    Hold& hold) {
  const std::lock_guard lock(mutex_);
  const auto found = overlay_.find(key);
  if (found == overlay_.end()) return std::nullopt;
  const Slot& slot = found->second;
  hold = HoldOf(slot);
  if (!slot.write.IsSeen(clock_())) return std::optional<Entry>();
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

bool WriteTurns::SubmitStorage(Here here) {
  std::unique_lock lock(mutex_);
  if (!flying_.empty() && filling_->bytes < kTurnBytesMax) {
    is_put_off_ = true;
    return false;
  }
  return SubmitLocked(lock, here);
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
  if (here == Here::kNothing || turn.is_slow) return false;
  if (turn.durability == libkv::Durability::kSynced && here != Here::kAll) return false;
  return flying_.empty() && !is_handing_over_ && turn.writes.size() <= kHereWritesMax &&
         turn.bytes <= kHereBytesMax && SteadyMicroseconds() >= here_again_us_.load();
}

// Which spaces ask an embedder that is not the built-in one: those of a while ago, so that a turn
// costs a look at the clock. A turn of a newer space is embedded by the thread that submits it.
void WriteTurns::RefreshSlowPrefixes() {
  const int64_t now = SteadyMicroseconds();
  if (slow_prefixes_us_ != 0 && now - slow_prefixes_us_ < kSlowPrefixesMaxUs) return;
  slow_prefixes_us_ = now;
  slow_prefixes_.clear();
  for (const libkv::Space& space : store_.Spaces()) {
    if (space.embedder == nullptr || space.learn || space.deferred) continue;
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
    const int64_t start = SteadyMicroseconds();
    absl::Status status = store_.Apply(write, batch);
    const int64_t end = SteadyMicroseconds();
    if (end - start > kHereMaxUs) here_again_us_.store(end + kHerePause * (end - start));
    return Written(turn, std::move(status));
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
