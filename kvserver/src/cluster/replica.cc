#include "cluster/replica.h"

#include <algorithm>
#include <limits>

#include "base/byte_codec.h"
#include "base/numbers.h"
#include "cluster/mutant.h"
#include "cluster/replica_impl.h"
#include "cluster/row_names.h"
#include "cluster/stamp.h"

namespace kvserver::cluster {
namespace {

constexpr int64_t kPeerRowEveryMs = 1'000;
constexpr size_t kWaitingTurnsMax = 65'536;
constexpr size_t kKilledMax = 16;  // a write that has overwritten more tells its context

absl::Status NotReady() {
  return absl::UnavailableError("this node is catching up with the others; ask another one");
}

}  // namespace

Replica::Impl::Impl(ReplicaOptions options, std::function<uint64_t()> random)
    : options_(std::move(options)), random_(std::move(random)) {
  for (const Slot slot : options_.members) {
    if (slot == options_.self) continue;
    peers_.emplace_back();
    peers_.back().slot = slot;
  }
}

Replica::Impl::Peer* Replica::Impl::PeerOf(Slot slot) {
  for (Peer& peer : peers_) {
    if (peer.slot == slot) return &peer;
  }
  return nullptr;
}

size_t Replica::Impl::NeededBy(Level level) const {
  if (level == Level::kOne) return 1;
  return level == Level::kAll ? options_.members.size() : majority();
}

std::shared_ptr<const Message> Replica::Impl::Envelope(Actor to, Body body) const {
  auto message = std::make_shared<Message>();
  message->from = self_;
  message->to = to;
  // A Digest is sent when nothing happens, and its hash is of them, too.
  if (!std::holds_alternative<Digest>(body)) message->generations = generations_;
  message->body = std::move(body);
  return message;
}

void Replica::Impl::Send(Slot to, uint64_t to_generation, Body body) {
  if (muted_until_ != 0) return;
  messages_.push_back({to, Envelope({to, to_generation}, std::move(body))});
}

void Replica::Impl::SendWhenDurable(const Peer& peer, Body body) {
  std::vector<Outgoing>& out = is_dirty()        ? when_durable_
                               : !turns_.empty() ? turns_.back().when_durable
                                                 : messages_;
  out.push_back({peer.slot, Envelope({peer.slot, peer.generation}, std::move(body))});
}

bool Replica::Impl::IsRecovering(const Peer& peer) {
  return peer.advert && peer.advert->is_recovering;
}

bool Replica::Impl::KnowsRecovering() const {
  return std::any_of(peers_.begin(), peers_.end(), IsRecovering);
}

absl::StatusOr<Dot> Replica::Impl::Write(Storage& storage, const ClientWrite& write,
                                         int64_t now_ms) {
  using Context = ClientWrite::Context;
  if (!is_ready()) return NotReady();
  const std::string key(write.key);
  absl::StatusOr<Loaded> loaded = Load(storage, key, false, now_ms);
  if (!loaded.ok()) return loaded.status();

  Version own;
  own.value = write.value;
  own.expiry = write.expiry;
  own.vector.assign(write.vector.begin(), write.vector.end());
  std::vector<Version> left;
  std::vector<Dot> killed;
  int64_t sum = write.amount;
  for (Version& version : loaded->versions) {
    const Dot dot = version.dot;
    bool is_over = false;
    switch (write.context) {
      case Context::kImplicit:
        is_over = true;
        break;
      case Context::kBlind:
        break;
      case Context::kGiven:
        is_over = write.seen.Has(dot);
        break;
      case Context::kCounter:
        // One's own sum; and those of one's own runs that are over, once nobody can know more of
        // them: then they can be taken over without being counted twice.
        is_over = version.kind == Kind::kCounter && dot.actor.slot == self_.slot &&
                  (dot.actor == self_ || clock_.settled(self_.slot) >= dot.actor.generation ||
                   IsMutant(Mutant::kCounterFoldsUnsettled));
        if (is_over && __builtin_add_overflow(sum, ParseInteger(version.value).value_or(0), &sum)) {
          return absl::InvalidArgumentError("increment or decrement would overflow");
        }
        break;
    }
    time_ = std::max(time_, version.time);
    if (is_over) {
      killed.push_back(dot);
    } else {
      left.push_back(std::move(version));
    }
  }
  DotSet beyond;
  if (write.context == Context::kGiven) {
    beyond = write.seen.Minus(clock_);
    for (const Actor& actor : beyond.actors()) {
      const auto known = generations_.find(actor.slot);
      if (known == generations_.end() || actor == self_ || known->second < actor.generation) {
        return absl::InvalidArgumentError(
            "the context was not made by this cluster, or its maker is not known here yet");
      }
    }
  }
  if (write.is_delete && killed.empty() && beyond.empty()) return Dot{self_, 0};

  if (write.context == Context::kCounter) {
    own.kind = Kind::kCounter;
    own.value = std::to_string(sum);
    own.expiry = loaded->versions.empty() ? 0 : Resolve(loaded->versions).expiry;
  }
  // The caller must not be left with half a write.
  const uint64_t wall = static_cast<uint64_t>(std::max<int64_t>(now_ms, 0)) << 16;
  // The writes of a request have one time: of two requests that were made at once, the same one is
  // shown for all their keys.
  const bool goes_on = push_ && unit_begin_ < push_->writes.size();
  own.time = write.time != 0 ? write.time
             : goes_on       ? push_->writes.back().version.time
                             : std::max(wall, time_ + 1);
  own.dot = {self_, counter_ + 1};
  std::vector<Version> versions = std::move(left);
  if (!write.is_delete) versions.push_back(own);
  if (write.context == Context::kCounter) {
    for (const Version& version : versions) {
      if (version.kind == Kind::kRegister && versions.size() > 1 && !ParseInteger(version.value)) {
        return absl::InvalidArgumentError("value is not an integer or out of range");
      }
    }
  }
  const absl::Status put = Put(storage, key, *loaded, std::move(versions), now_ms);
  if (!put.ok()) return put;
  time_ = std::max(time_, own.time);
  ++counter_;

  const DotSet* const extra = ExtraOf(key);
  const bool has_extra = extra != nullptr || !beyond.empty();
  DotSet more = extra == nullptr ? DotSet() : *extra;
  more.AddAll(beyond);
  if (!push_) {
    push_.emplace();
    push_->first_counter = counter_;
    unit_begin_ = 0;
  }
  PushedWrite& pushed = push_->writes.emplace_back();
  pushed.key = key;
  pushed.is_delete = write.is_delete;
  const bool is_implicit = write.context == Context::kImplicit;
  push_seen_.push_back(is_implicit && KnowsRecovering() ? ContextOf(key) : DotSet());
  if (is_implicit) {
    // Others may still show what a delete has overwritten, if the delete has not come to them.
    for (const Dot& head : log_.HeadsOf(key)) {
      if (std::find(killed.begin(), killed.end(), head) == killed.end()) killed.push_back(head);
    }
    if (!is_log_whole_ || killed.size() > kKilledMax) {
      pushed.context = ContextOf(key);
      killed.clear();
    }
  } else if (write.context == Context::kGiven) {
    pushed.context = write.seen;
  }
  DropHeads(key, killed, pushed.context);
  pushed.killed = std::move(killed);
  pushed.unit_writes = 0;
  const Dot dot = own.dot;
  pushed.version = std::move(own);
  if (write.is_delete) {
    pushed.version.value.clear();
    pushed.version.vector.clear();
  }
  AddDot(dot, key, dot.counter - (push_->writes.size() - 1 - unit_begin_), 0);
  if (has_extra) SetExtra(key, std::move(more));
  if (IsMutant(Mutant::kContextInClock) && write.context == Context::kGiven) {
    clock_.AddAll(write.seen);
    clock_changed_ = true;
  }
  return dot;
}

void Replica::Impl::EndUnit() {
  if (!push_ || unit_begin_ == push_->writes.size()) return;
  const auto count = static_cast<uint32_t>(push_->writes.size() - unit_begin_);
  push_->writes[unit_begin_].unit_writes = count;
  // Its dots are the newest that were added by this node.
  for (size_t i = new_dots_.size(), left = count; i-- > 0 && left > 0;) {
    if (new_dots_[i].dot.actor != self_) continue;
    new_dots_[i].unit_writes = count;
    --left;
  }
  log_.SetUnit({self_, push_->first_counter + unit_begin_}, count);
  unit_begin_ = push_->writes.size();
}

bool Replica::Impl::is_dirty() const {
  return push_.has_value() || !new_dots_.empty() || !changed_extras_.empty() ||
         !changed_verdicts_.empty() || !gone_turns_.empty() || !idle_places_.empty() ||
         node_changed_ || clock_changed_ || generations_changed_ || recovery_changed_;
}

uint64_t Replica::Impl::Seal(Storage& storage, Levels levels, int64_t now_ms, bool push_late) {
  if (is_failed_ || !is_dirty()) return 0;
  EndUnit();
  const uint64_t number = next_turn_++;

  for (const std::string& key : changed_extras_) {
    const auto found = extras_.find(key);
    if (found == extras_.end()) {
      storage.DeleteRow(ExtraRow(key));
      continue;
    }
    std::string row;
    AppendBytes(row, key);
    found->second.AppendTo(row);
    storage.PutRow(ExtraRow(key), row);
  }
  changed_extras_.clear();
  // The clock is its row and the dots of the log: what leaves the log has to be in the row.
  if (clock_changed_ || !gone_turns_.empty()) storage.PutRow(kClockRow, clock_.Encode());
  for (const uint64_t gone : gone_turns_) log_places_.Leave(gone);
  gone_turns_.clear();
  if (!new_dots_.empty()) {
    std::string row;
    DotLog::AppendRow(row, new_dots_, actors_);
    storage.PutRow(LogRow(log_places_.Take(number)), row);
    new_dots_.clear();
  }
  for (const uint64_t place : idle_places_) storage.DeleteRow(LogRow(place));
  log_places_.Deleted(std::exchange(idle_places_, {}));
  if (node_changed_) storage.PutRow(kNodeRow, NodeRow(self_.slot));
  if (generations_changed_) storage.PutRow(kGenerationsRow, GenerationsRow(generations_));
  for (const std::string& key : changed_verdicts_) {
    const auto found = verdicts_.find(key);
    if (found == verdicts_.end()) {
      storage.DeleteRow(VerdictRow(key));
      continue;
    }
    std::string row;
    AppendBytes(row, key);
    AppendFixed64(row, found->second.session);
    found->second.dead.AppendTo(row);
    found->second.extra.AppendTo(row);
    storage.PutRow(VerdictRow(key), row);
  }
  changed_verdicts_.clear();
  if (recovery_changed_) {
    if (is_recovering_ && !leaves_recovery_) {
      storage.PutRow(kRecoveringRow, SlotsRow(needed_));
    } else {
      storage.DeleteRow(kRecoveringRow);
    }
    if (ended_ != 0) {
      std::string row;
      AppendFixed64(row, ended_);
      storage.PutRow(kEndedRow, row);
    } else {
      storage.DeleteRow(kEndedRow);
    }
  }
  for (; saved_actors_ < actors_.size(); ++saved_actors_) {
    storage.PutRow(ActorRow(saved_actors_), ActorRowValue(*actors_.At(saved_actors_)));
  }
  for (Peer& peer : peers_) {
    if (peer.is_told_saved || now_ms - peer.told_saved_ms < kPeerRowEveryMs) continue;
    storage.PutRow(PeerRow(peer.slot), peer.told.Encode());
    peer.is_told_saved = true;
    peer.told_saved_ms = now_ms;
  }
  node_changed_ = clock_changed_ = generations_changed_ = recovery_changed_ = false;

  Turn& turn = turns_.emplace_back();
  turn.number = number;
  turn.clock = clock_;
  turn.generations = generations_;
  turn.when_durable = std::exchange(when_durable_, {});
  turn.leaves_recovery = std::exchange(leaves_recovery_, false);
  if (!push_) return number;

  turn.has_push = true;
  Waiting& waiting = waiting_[number];
  waiting.first = push_->first_counter;
  waiting.last = push_->first_counter + push_->writes.size() - 1;
  waiting.levels = levels.empty() ? Levels(Level::kOne) : levels;
  waiting.deadline_ms = now_ms + options_.write_timeout_ms;
  while (waiting_.size() > kWaitingTurnsMax) {
    GiveUp(waiting_.begin()->first, waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
  }
  push_->turn = number;
  // A node that recovers has not what the writes have overwritten: it is told all they have seen.
  std::shared_ptr<const Message> full;
  if (KnowsRecovering()) {
    Push push = *push_;
    for (size_t i = 0; i < push.writes.size(); ++i) push.writes[i].context.AddAll(push_seen_[i]);
    full = Envelope({}, std::move(push));
  }
  push_seen_.clear();
  const auto message = peers_.empty() ? nullptr : Envelope({}, *std::move(push_));
  push_.reset();
  std::vector<Outgoing>& out = push_late ? turn.when_durable : messages_;
  for (const Peer& peer : peers_) out.push_back({peer.slot, IsRecovering(peer) ? full : message});
  return number;
}

void Replica::Impl::Durable(uint64_t number, int64_t now_ms) {
  while (!turns_.empty() && turns_.front().number <= number) {
    Turn turn = std::move(turns_.front());
    turns_.pop_front();
    if (turn.number >= muted_until_) muted_until_ = 0;
    durable_ = std::move(turn.clock);
    durable_generations_ = std::move(turn.generations);
    for (Outgoing& out : turn.when_durable) messages_.push_back(std::move(out));
    if (turn.leaves_recovery && needed_.empty()) {
      is_recovering_ = false;
      ++counts_.range_sessions;
      for (Peer& peer : peers_) peer.advert_sent_hash = 0;
    }
    if (turn.has_push) Acknowledge(turn.number, self_.slot);
  }
  static_cast<void>(now_ms);
}

void Replica::Impl::Acknowledge(uint64_t turn, Slot by) {
  const auto found = waiting_.find(turn);
  if (found == waiting_.end()) return;
  Waiting& waiting = found->second;
  waiting.acks.insert(by);
  // What is not durable here yet is not told to the client as written, whoever else has it.
  if (!waiting.acks.contains(self_.slot)) return;
  for (const Level level : kLevels) {
    if (!waiting.levels.Has(level) || waiting.acks.size() < NeededBy(level)) continue;
    finished_turns_.push_back({turn, level, true, static_cast<uint32_t>(waiting.acks.size())});
    waiting.levels.Remove(level);
  }
  if (waiting.levels.empty()) waiting_.erase(found);
}

void Replica::Impl::GiveUp(uint64_t turn, const Waiting& waiting) {
  for (const Level level : kLevels) {
    if (!waiting.levels.Has(level)) continue;
    finished_turns_.push_back({turn, level, false, static_cast<uint32_t>(waiting.acks.size())});
  }
}

absl::Status Replica::Impl::Tick(Storage& storage, int64_t now_ms) {
  last_tick_ms_ = now_ms;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->second.deadline_ms > now_ms) {
      ++it;
      continue;
    }
    GiveUp(it->first, it->second);
    it = waiting_.erase(it);
  }
  for (auto it = reads_.begin(); it != reads_.end();) {
    if (it->second.deadline_ms > now_ms) {
      ++it;
      continue;
    }
    finished_reads_.push_back({it->first, false});
    it = reads_.erase(it);
  }
  if (now_ms - last_forget_ms_ >= options_.heartbeat_ms) {
    last_forget_ms_ = now_ms;
    SettleActors();
    ForgetLog();
    if (idle_places_.empty()) idle_places_ = log_places_.TakeIdle(now_ms);
    StripExtras();
  }
  const Advert advert = MakeAdvert();
  const uint64_t hash = HashOf(advert);
  for (Peer& peer : peers_) {
    const int64_t since = now_ms - peer.advert_sent_ms;
    const bool must_ask = !peer.has_answered || peer.generation == 0;
    if (must_ask || hash != peer.advert_sent_hash) {
      if (since >= options_.heartbeat_ms) SendAdvert(peer, must_ask, false, now_ms);
    } else if (since >= options_.idle_heartbeat_ms) {
      peer.advert_sent_ms = now_ms;
      Send(peer, Digest{hash});
    }
    MaybePull(peer, now_ms);
  }
  CloseServed(now_ms);
  return is_recovering_ ? TickSession(storage, now_ms) : absl::OkStatus();
}

ReplicaStatus Replica::Impl::Status() const {
  ReplicaStatus status = counts_;
  status.self = self_;
  status.is_ready = is_ready();
  status.is_recovering = is_recovering_;
  clock_.ForEachInterval([&](const DotSet::Interval& interval) {
    const auto newest = generations_.find(interval.actor.slot);
    if (newest != generations_.end() && newest->second == interval.actor.generation) {
      status.newest[interval.actor.slot] = interval.last;
    }
  });
  status.is_failed = is_failed_;
  status.clock_hash = clock_.Hash();
  status.clock_intervals = clock_.interval_count();
  status.log_dots = log_.size();
  status.extras = extras_.size();
  for (const Peer& peer : peers_) {
    PeerStatus& out = status.peers.emplace_back();
    out.slot = peer.slot;
    out.generation = peer.generation;
    out.last_heard_ms = peer.heard_ms;
    out.is_needed = needed_.contains(peer.slot);
    out.missing_there = clock_.Minus(peer.durable).dot_count();
    if (!peer.advert) continue;
    out.is_recovering = peer.advert->is_recovering;
    out.missing_here = peer.advert->durable.Minus(clock_).dot_count();
  }
  return status;
}

std::vector<Slot> Replica::Impl::HoldersOf(const Dot& dot) const {
  std::vector<Slot> holders;
  if (clock_.Has(dot)) holders.push_back(self_.slot);
  for (const Peer& peer : peers_) {
    if (peer.durable.Has(dot)) holders.push_back(peer.slot);
  }
  std::sort(holders.begin(), holders.end());
  return holders;
}

// -- The outer class ------------------------------------------------------------------------------

Replica::Replica(ReplicaOptions options, std::function<uint64_t()> random)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(random))) {}

Replica::~Replica() = default;

namespace {

absl::Status Failed() {
  return absl::FailedPreconditionError("replication has failed; the process must start again");
}

}  // namespace

absl::Status Replica::Start(Storage& storage, int64_t now_ms) {
  return impl_->Start(storage, now_ms);
}

absl::StatusOr<Dot> Replica::Write(Storage& storage, const ClientWrite& write, int64_t now_ms) {
  if (impl_->is_failed_) return Failed();
  return impl_->Write(storage, write, now_ms);
}

void Replica::EndUnit() { impl_->EndUnit(); }

absl::Status Replica::AskAhead(Storage& storage, const Message& message, int64_t now_ms) {
  if (impl_->is_failed_ || !impl_->is_started_) return Failed();
  absl::Status status = impl_->AskAhead(storage, message, now_ms);
  if (!status.ok()) Fail();
  return status;
}

absl::Status Replica::Receive(Storage& storage, const Message& message, int64_t now_ms) {
  if (impl_->is_failed_ || !impl_->is_started_) return Failed();
  absl::Status status = impl_->Receive(storage, message, now_ms);
  if (!status.ok()) Fail();
  return status;
}

void Replica::PeerConnected(Slot peer) { impl_->PeerConnected(peer); }

absl::Status Replica::Tick(Storage& storage, int64_t now_ms) {
  if (impl_->is_failed_ || !impl_->is_started_) return Failed();
  absl::Status status = impl_->Tick(storage, now_ms);
  if (!status.ok()) Fail();
  return status;
}

uint64_t Replica::Seal(Storage& storage, Levels levels, int64_t now_ms, bool push_late) {
  return impl_->Seal(storage, levels, now_ms, push_late);
}

bool Replica::is_dirty() const { return !impl_->is_failed_ && impl_->is_dirty(); }
bool Replica::awaits_acks() const { return impl_->awaits_acks(); }

void Replica::Durable(uint64_t turn, int64_t now_ms) {
  if (!impl_->is_failed_) impl_->Durable(turn, now_ms);
}

void Replica::Fail() {
  impl_->is_failed_ = true;
  impl_->messages_.clear();
}

absl::StatusOr<uint64_t> Replica::StartRead(Storage& storage,
                                            std::span<const std::string_view> keys, Level level,
                                            int64_t now_ms) {
  if (impl_->is_failed_) return Failed();
  if (!impl_->is_ready()) return NotReady();
  return impl_->StartRead(storage, keys, level, now_ms);
}

absl::StatusOr<KeyState> Replica::State(Storage& storage, std::string_view key) {
  return impl_->State(storage, key);
}

std::vector<Outgoing> Replica::TakeMessages() { return std::exchange(impl_->messages_, {}); }
std::vector<TurnResult> Replica::TakeTurns() { return std::exchange(impl_->finished_turns_, {}); }
std::vector<ReadResult> Replica::TakeReads() { return std::exchange(impl_->finished_reads_, {}); }

const DotSet& Replica::clock() const { return impl_->clock_; }
const DotSet& Replica::durable_clock() const { return impl_->durable_; }
Actor Replica::self() const { return impl_->self_; }
bool Replica::is_ready() const { return impl_->is_ready(); }
bool Replica::is_recovering() const { return impl_->Status().is_recovering; }
bool Replica::is_failed() const { return impl_->is_failed_; }
std::vector<Slot> Replica::HoldersOf(const Dot& dot) const { return impl_->HoldersOf(dot); }
ReplicaStatus Replica::Status() const { return impl_->Status(); }
const ActorTable& Replica::actors() const { return impl_->actors_; }
const std::map<std::string, DotSet, std::less<>>& Replica::extras() const { return impl_->extras_; }
size_t Replica::log_dots() const { return impl_->log_.size(); }

}  // namespace kvserver::cluster
