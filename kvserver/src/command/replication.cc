#include "command/replication.h"

#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/base64.h"
#include "base/byte_codec.h"
#include "base/system_random.h"
#include "cluster/message_codec.h"
#include "cluster/stamp.h"
#include "command/parked_vector.h"
#include "command/system_keys.h"

namespace kvserver {
namespace {

constexpr uint8_t kTokenVersion = 1;

std::string NoReplicas(const cluster::TurnResult& result) {
  return "the write is on " + std::to_string(result.acks) +
         (result.acks == 1 ? " node" : " nodes") +
         " only, which is fewer than asked for: it may spread, and may be repeated";
}

}  // namespace

Replication::Replication(libkv::Store& store, WriteTurns& turns, Options options,
                         std::function<int64_t()> clock_ms)
    : store_(store),
      turns_(turns),
      options_(std::move(options)),
      clock_ms_(std::move(clock_ms)),
      replica_(options_.replica, &RandomNumber) {}

Replication::~Replication() = default;

absl::Status Replication::Start() {
  turns_.SetReplicator(this);
  turns_.OnStored([this] {
    must_submit_.store(true, std::memory_order_release);
    const std::lock_guard lock(wake_mutex_);
    if (wake_) wake_();
  });
  absl::Status started;
  turns_.WithStorage([&](cluster::Storage& storage) {
    started = replica_.Start(storage, clock_ms_());
    self_ = replica_.self();
  });
  if (!started.ok()) {
    turns_.SetReplicator(nullptr);
    return started;
  }
  turns_.SubmitStorage();
  turns_.Quiesce();
  return absl::OkStatus();
}

void Replication::Connect(SendAll send, Warn warn, std::function<void()> wake) {
  {
    const std::lock_guard lock(wake_mutex_);
    wake_ = std::move(wake);
  }
  const std::lock_guard lock(send_mutex_);
  send_ = std::move(send);
  warn_ = std::move(warn);
}

void Replication::Collect() {
  std::vector<cluster::Outgoing> messages = replica_.TakeMessages();
  std::vector<cluster::TurnResult> turns = replica_.TakeTurns();
  std::vector<cluster::ReadResult> reads = replica_.TakeReads();
  is_ready_.store(replica_.is_ready(), std::memory_order_release);
  if (messages.empty() && turns.empty() && reads.empty()) return;
  const std::lock_guard lock(out_mutex_);
  std::move(messages.begin(), messages.end(), std::back_inserter(messages_));
  std::move(turns.begin(), turns.end(), std::back_inserter(turns_done_));
  for (const cluster::ReadResult& read : reads) {
    const auto found = asking_.find(read.id);
    if (found == asking_.end()) continue;
    Asking asking = std::move(found->second);
    asking_.erase(found);
    absl::Status status;
    uint64_t pending = 0;
    if (!read.is_ok) {
      status = absl::DeadlineExceededError(
          "too few nodes have answered in time: read at level one, or try again");
    } else {
      // What came with the answers, or before them, may be on its way to the store.
      for (const std::string& key : asking.keys) {
        pending = std::max(pending, turns_.PendingTurn(key));
      }
    }
    if (pending != 0) {
      answered_.emplace(pending, std::move(asking.done));
    } else {
      answers_.push_back({std::move(asking.done), std::move(status)});
    }
  }
}

void Replication::Flush() {
  {
    const std::lock_guard sending(send_mutex_);
    std::vector<cluster::Outgoing> messages;
    std::vector<std::string> warnings;
    {
      const std::lock_guard lock(out_mutex_);
      messages.swap(messages_);
      warnings.swap(warnings_);
    }
    if (send_ && !messages.empty()) {
      std::vector<Bytes> encoded;
      encoded.reserve(messages.size());
      // Pushes go to several nodes with the same bytes.
      const cluster::Message* last = nullptr;
      for (const cluster::Outgoing& out : messages) {
        encoded.push_back({out.to, out.message.get() == last
                                       ? encoded.back().bytes
                                       : cluster::EncodeMessage(*out.message)});
        last = out.message.get();
      }
      send_(std::move(encoded));
    }
    if (warn_) {
      for (const std::string& warning : warnings) warn_(warning);
    }
  }
  std::vector<cluster::TurnResult> turns;
  std::vector<Answer> answers;
  {
    const std::lock_guard lock(out_mutex_);
    turns.swap(turns_done_);
    answers.swap(answers_);
  }
  for (const cluster::TurnResult& turn : turns) {
    // The first level is that of the store.
    if (turn.level == cluster::Level::kOne) continue;
    turns_.Acknowledged(
        turn.turn, turn.level,
        turn.is_acknowledged ? absl::OkStatus() : absl::DeadlineExceededError(NoReplicas(turn)));
  }
  for (Answer& answer : answers) answer.done(std::move(answer.status));
}

absl::Status Replication::Receive(std::string_view bytes) {
  absl::StatusOr<cluster::Message> message = cluster::DecodeMessage(bytes);
  if (!message.ok()) return message.status();
  if (const auto* refusal = std::get_if<cluster::Refusal>(&message->body)) {
    const std::lock_guard lock(out_mutex_);
    warnings_.push_back("node " + std::to_string(message->from.slot) +
                        " refuses what this node sends: " + refusal->reason);
  }
  if (std::holds_alternative<cluster::Objects>(message->body) ||
      std::holds_alternative<cluster::RangeObjects>(message->body)) {
    turns_.WithStorage([&](cluster::Storage& storage) {
      if (replica_.is_failed()) return;
      const absl::Status status = replica_.AskAhead(storage, *message, clock_ms_());
      if (!status.ok()) Fail(status);
      Collect();
    });
  }
  bool is_dirty = false, is_lone = false;
  turns_.WithStorage([&](cluster::Storage& storage) {
    if (replica_.is_failed()) return;
    const absl::Status status = replica_.Receive(storage, *message, clock_ms_());
    if (!status.ok()) Fail(status);
    is_dirty = replica_.is_dirty();
    // Somebody waits for this one write alone, and nobody here for what else may arrive meanwhile:
    // no way to another thread and back.
    const auto* push = std::get_if<cluster::Push>(&message->body);
    is_lone = push != nullptr && push->writes.size() == 1 && !replica_.awaits_acks();
    Collect();
  });
  using Here = WriteTurns::Here;
  if (is_dirty) turns_.SubmitStorage(is_lone ? Here::kAll : Here::kNothing);
  heard_.notify_all();
  return absl::OkStatus();
}

void Replication::PeerConnected(cluster::Slot peer) {
  turns_.WithStorage([&](cluster::Storage&) { replica_.PeerConnected(peer); });
}

void Replication::Tick() {
  bool is_dirty = must_submit_.exchange(false, std::memory_order_acquire);
  turns_.WithStorage([&](cluster::Storage& storage) {
    if (replica_.is_failed()) return LookAtWaiters();
    const absl::Status status = replica_.Tick(storage, clock_ms_());
    if (!status.ok()) Fail(status);
    is_dirty |= replica_.is_dirty();
    LookAtWaiters();
    Collect();
  });
  if (is_dirty) turns_.SubmitStorage();
  heard_.notify_all();
}

void Replication::Fail(const absl::Status& status) {
  replica_.Fail();
  is_ready_.store(false, std::memory_order_release);
  const std::lock_guard lock(out_mutex_);
  warnings_.push_back("replication has stopped, start this process again: " +
                      std::string(status.message()));
}

absl::Status Replication::CheckVector(const cluster::ClientWrite& write) const {
  if (write.vector.empty()) return absl::OkStatus();
  const std::optional<libkv::Space> space = store_.SpaceOf(write.key);
  const bool is_expected =
      expected_dimension_ && expected_dimension_(write.key) == write.vector.size();
  if (!is_expected && (!space || space->vector_dimension != write.vector.size())) {
    return absl::InvalidArgumentError("the vector has " + std::to_string(write.vector.size()) +
                                      " numbers, and the space of the key has not");
  }
  double norm = 0;
  for (const float x : write.vector) norm += static_cast<double>(x) * x;
  if (!std::isfinite(norm)) return absl::InvalidArgumentError("the vector has NaN or infinity");
  if (norm == 0 && space && space->metric == libkv::Metric::kCosine) {
    return absl::InvalidArgumentError("a vector of length zero has no direction to compare");
  }
  return absl::OkStatus();
}

absl::StatusOr<cluster::Dot> Replication::Write(cluster::Storage& turn,
                                                const cluster::ClientWrite& write) {
  if (replica_.is_failed()) {
    return absl::UnavailableError("replication has stopped on this node; see its log");
  }
  const size_t bytes = write.key.size() + write.value.size() + write.vector.size_bytes();
  if (turn_bytes_ + bytes > 2 * kRequestBytesMax || write.value.size() > kRequestBytesMax) {
    return absl::InvalidArgumentError("a request in a cluster writes at most 16 MiB");
  }
  if (absl::Status status = CheckVector(write); !status.ok()) return status;
  const absl::StatusOr<cluster::Dot> dot = replica_.Write(turn, write, clock_ms_());
  if (!dot.ok() || dot->counter == 0) return dot;  // 0: there was nothing to delete
  turn_bytes_ += bytes;
  has_writes_ = true;
  return dot;
}

void Replication::EndUnit(cluster::Level level) {
  replica_.EndUnit();
  turn_levels_.Add(level);
}

uint64_t Replication::Seal(cluster::Storage& turn) {
  if (replica_.is_failed()) return 0;
  const uint64_t sealed = replica_.Seal(turn, turn_levels_, clock_ms_());
  if (has_writes_ && sealed != 0) with_writes_.insert(sealed);
  has_writes_ = false;
  turn_levels_ = {};
  turn_bytes_ = 0;
  Collect();
  return sealed;
}

bool Replication::Stored(uint64_t sealed, const absl::Status& status) {
  const bool had_writes = with_writes_.erase(sealed) > 0;
  if (!status.ok()) {
    Fail(status);
    return false;
  }
  replica_.Durable(sealed, clock_ms_());
  LookAtWaiters();
  Collect();
  return had_writes && !replica_.is_failed();
}

void Replication::NothingPending(uint64_t turn) {
  const auto end = answered_.upper_bound(turn);
  if (answered_.begin() == end) return;
  const std::lock_guard lock(out_mutex_);
  for (auto it = answered_.begin(); it != end; ++it) {
    absl::Status status;
    if (replica_.is_failed()) {
      status = absl::UnavailableError("replication has stopped on this node; see its log");
    }
    answers_.push_back({std::move(it->second), std::move(status)});
  }
  answered_.erase(answered_.begin(), end);
}

void Replication::AskPeers(std::span<const std::string_view> keys, cluster::Level level,
                           AskDone done) {
  absl::Status status;
  turns_.WithStorage([&](cluster::Storage& storage) {
    const absl::StatusOr<uint64_t> id = replica_.StartRead(storage, keys, level, clock_ms_());
    if (!id.ok()) {
      status = id.status();
      return;
    }
    asking_[*id] = {{keys.begin(), keys.end()}, std::move(done)};
    Collect();
  });
  if (!status.ok()) done(std::move(status));
}

absl::StatusOr<cluster::KeyState> Replication::State(std::string_view key,
                                                     WriteTurns::Writer* writer,
                                                     WriteTurns::Hold* hold) {
  absl::StatusOr<cluster::KeyState> state = absl::UnavailableError("");
  const auto look = [&](cluster::Storage& storage) {
    state = replica_.State(storage, key);
    if (hold != nullptr) *hold = turns_.PendingHold(key);
  };
  if (writer != nullptr) {
    writer->WithStorage(look);
  } else {
    turns_.WithStorage(look);
  }
  return state;
}

void Replication::AwaitSession(const cluster::DotSet& session, AskDone done) {
  Waiter waiter;
  // What survives a power cut here is in the store, too.
  waiter.is_over = [this, session] {
    return cluster::HasSeenSession(replica_.durable_clock(), session);
  };
  waiter.deadline_ms = clock_ms_() + options_.replica.read_timeout_ms;
  waiter.late = absl::UnavailableError(
      "this node has not yet seen all that the session has written: ask again, or ask another "
      "node");
  waiter.done = std::move(done);
  Await(std::move(waiter));
}

void Replication::AwaitLevel(const cluster::Dot& dot, cluster::Level level, AskDone done) {
  const size_t nodes = options_.replica.members.size();
  const size_t needed = level == cluster::Level::kOne   ? 1
                        : level == cluster::Level::kAll ? nodes
                                                        : nodes / 2 + 1;
  Waiter waiter;
  waiter.is_over = [this, dot, needed] {
    return replica_.durable_clock().Has(dot) && replica_.HoldersOf(dot).size() >= needed;
  };
  waiter.deadline_ms = clock_ms_() + options_.replica.write_timeout_ms;
  waiter.late = absl::DeadlineExceededError(
      "the write is on fewer nodes than asked for: it may spread, and may be repeated");
  waiter.done = std::move(done);
  Await(std::move(waiter));
}

void Replication::Await(Waiter waiter) {
  absl::Status refused;
  turns_.WithStorage([&](cluster::Storage&) {
    if (replica_.is_failed()) {
      refused = absl::UnavailableError("replication has stopped on this node; see its log");
    } else if (waiters_.size() >= kWaitersMax) {
      refused = absl::UnavailableError("too many requests wait for other nodes");
    } else {
      waiters_.push_back(std::move(waiter));
      LookAtWaiters();
    }
  });
  if (!refused.ok()) waiter.done(refused);
}

void Replication::LookAtWaiters() {
  if (waiters_.empty()) return;
  const int64_t now = clock_ms_();
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    const bool is_over = !replica_.is_failed() && it->is_over();
    if (!is_over && !replica_.is_failed() && it->deadline_ms > now) {
      ++it;
      continue;
    }
    const std::lock_guard lock(out_mutex_);
    answers_.push_back({std::move(it->done), is_over ? absl::OkStatus() : std::move(it->late)});
    it = waiters_.erase(it);
  }
}

absl::Status Replication::Rewrite(std::span<const std::string> keys) {
  absl::Status status;
  turns_.WithStorage([&](cluster::Storage& storage) {
    cluster::ActorTable actors = replica_.actors();  // stays as it is: all of them have numbers
    for (const std::string& key : keys) {
      const auto record = storage.Read(key, true);
      if (!record.ok()) {
        status = record.status();
        return;
      }
      if (!record->has_value()) continue;
      if (!cluster::StampHasSiblings((*record)->stamp)) {
        storage.Set(key, **record);
        continue;
      }
      const auto versions = cluster::DecodeRecord(**record, actors);
      if (!versions.ok()) {
        status = versions.status();
        return;
      }
      storage.Set(key, cluster::EncodeRecord(*versions, actors, storage.MergeOf(key)));
    }
  });
  turns_.SubmitStorage();
  return status;
}

absl::Status Replication::AddVector(const std::string& key, const cluster::Version& version,
                                    std::span<const float> vector) {
  absl::Status status;
  turns_.WithStorage([&](cluster::Storage& storage) {
    const absl::StatusOr<cluster::KeyState> state = replica_.State(storage, key);
    if (!state.ok()) {
      status = state.status();
      return;
    }
    if (state->versions.size() != 1 || state->versions[0].dot != version.dot) return;
    cluster::ClientWrite write;
    write.key = key;
    // All that is known of the key, of which only this is live. A context of this dot alone would
    // forget for others what it has overwritten.
    write.context = cluster::ClientWrite::Context::kImplicit;
    write.value = version.value;
    write.expiry = version.expiry;
    write.vector = vector;
    write.time = version.time + 1;
    status = Write(storage, write).status();
    EndUnit(cluster::Level::kOne);
  });
  turns_.SubmitStorage();
  return status;
}

cluster::ReplicaStatus Replication::Status() {
  cluster::ReplicaStatus status;
  turns_.WithStorage([&](cluster::Storage&) { status = replica_.Status(); });
  return status;
}

absl::StatusOr<Replication::Fingerprint> Replication::MakeFingerprint() {
  Fingerprint fingerprint;
  cluster::ActorTable actors;
  std::shared_ptr<const libkv::Snapshot> snapshot;
  {
    // Nothing is under way: the snapshot is what the clock says.
    const std::unique_lock<std::mutex> quiet = turns_.Quiesce();
    actors = replica_.actors();
    fingerprint.clock_hash = replica_.clock().Hash();
    snapshot = store_.GetSnapshot();
  }
  const auto it = store_.NewIterator({.snapshot = snapshot, .fill_cache = false});
  std::vector<cluster::Dot> dots;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (!cluster::DecodeDots(UnparkVector(it->stamp(), nullptr), actors, &dots)) {
      return absl::DataLossError("the stamp of a record is malformed (key " +
                                 std::string(it->key().substr(0, 80)) + ")");
    }
    ++fingerprint.keys;
    fingerprint.hash += cluster::ItemId(it->key(), dots);
  }
  if (!it->status().ok()) return it->status();
  const absl::Status walked = store_.ForEachRow(
      {.snapshot = snapshot}, kSystemRowPrefix, [&](std::string_view name, std::string_view row) {
        std::string_view stamp, value;
        if (!ReadSystemRow(row, &stamp, &value) || !cluster::DecodeDots(stamp, actors, &dots)) {
          return true;
        }
        fingerprint.hash += cluster::ItemId(SystemKeyOfRow(name), dots);
        return true;
      });
  if (!walked.ok()) return walked;
  return fingerprint;
}

std::vector<cluster::Slot> Replication::HoldersOf(const cluster::Dot& dot) {
  std::vector<cluster::Slot> holders;
  turns_.WithStorage([&](cluster::Storage&) { holders = replica_.HoldersOf(dot); });
  return holders;
}

size_t Replication::AwaitHolders(const cluster::Dot& dot, size_t wanted, int64_t deadline_ms) {
  std::unique_lock lock(heard_mutex_);
  while (true) {
    lock.unlock();
    const size_t count = HoldersOf(dot).size();
    if (count >= wanted || clock_ms_() >= deadline_ms) return count;
    lock.lock();
    // One that came in between is not missed for long: Tick tells too.
    heard_.wait_for(lock, std::chrono::milliseconds(50));
  }
}

void Replication::SetLinks(Links links) {
  const std::lock_guard lock(wake_mutex_);
  links_ = std::move(links);
}

std::vector<Replication::Link> Replication::PeerLinks() {
  const std::lock_guard lock(wake_mutex_);
  return links_ ? links_() : std::vector<Link>();
}

// -- Context tokens -------------------------------------------------------------------------------

void Replication::SetTokenSecret(std::string_view cluster_name) {
  token_secret_ = XXH3_64bits(cluster_name.data(), cluster_name.size());
}

std::string Replication::ContextToken(const cluster::DotSet& context) const {
  std::string bytes(1, static_cast<char>(kTokenVersion));
  context.AppendTo(bytes);
  AppendFixed64(bytes, XXH3_64bits_withSeed(bytes.data(), bytes.size(), token_secret_));
  std::string token;
  AppendBase64(token, bytes);
  return token;
}

absl::StatusOr<cluster::DotSet> Replication::ReadContextToken(std::string_view token) const {
  const absl::Status wrong = absl::InvalidArgumentError(
      "this is not a context that this cluster has given: use one of KV.GETX, as it is");
  if (token.size() > cluster::DotSet::kEncodedBytesMax) return wrong;
  std::string bytes(Base64BytesMax(token), '\0');
  const std::optional<size_t> decoded = DecodeBase64(token, bytes.data());
  if (!decoded || *decoded < 1 + 8 || bytes[0] != kTokenVersion) return wrong;
  const size_t size = *decoded - 8;
  uint64_t checksum = 0;
  ByteReader(std::string_view(bytes).substr(size, 8)).Fixed64(&checksum);
  if (checksum != XXH3_64bits_withSeed(bytes.data(), size, token_secret_)) return wrong;
  std::string_view rest = std::string_view(bytes).substr(1, size - 1);
  cluster::DotSet context;
  if (!context.DecodeFrom(rest) || !rest.empty()) return wrong;
  return context;
}

}  // namespace kvserver
