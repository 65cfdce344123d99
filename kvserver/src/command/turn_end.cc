// What becomes of a turn when the store is done with it: it is no longer pending, and is reported
// level by level, in order.
#include <algorithm>
#include <utility>

#include "command/system_keys.h"
#include "command/write_turns.h"

namespace kvserver {
namespace {

using cluster::Level;

size_t NumberOf(Level level) { return static_cast<size_t>(level); }

}  // namespace

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

}  // namespace kvserver
