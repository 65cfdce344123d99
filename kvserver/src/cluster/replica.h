// A Replica is one node's part in replication, as a plain state machine: it has no thread, no
// clock, no socket. Its owner gives it client writes, messages and the time, with the Storage to
// use; takes the messages that it wants to send; and tells it what has become durable.
//
//   replica.Write(storage, write, now);           // of one request, or of many
//   uint64_t turn = replica.Seal(storage, level);  // they are one transaction, and one message
//   ... commit ...
//   replica.Durable(turn);
//   for (Outgoing& out : replica.TakeMessages()) Send(out);
//   for (TurnResult& done : replica.TakeTurns()) ...  // acknowledged by as many as asked for
//
// The rules are in kvserver/doc/replication.md. After an error of the storage in the middle of a
// transaction, or when one could not be made durable, the replica is failed: it answers
// FailedPrecondition to everything, sends nothing, and has to be made anew.
//
// Threads    One at a time.
#ifndef KVSERVER_SRC_CLUSTER_REPLICA_H_
#define KVSERVER_SRC_CLUSTER_REPLICA_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cluster/actor_table.h"
#include "cluster/dot.h"
#include "cluster/dot_set.h"
#include "cluster/message.h"
#include "cluster/storage.h"
#include "cluster/version.h"

namespace kvserver::cluster {

struct ReplicaOptions {
  Slot self = 0;
  std::vector<Slot> members;  // all of them, with self; 1 to kMembersMax
  // The storage is known to have lost something, as after restoring an old copy: recover first.
  bool must_recover = false;

  int64_t heartbeat_ms = 200;         // adverts when something has changed
  int64_t idle_heartbeat_ms = 1'000;  // digests when nothing has
  int64_t write_timeout_ms = 5'000;
  int64_t read_timeout_ms = 2'000;
  int64_t step_timeout_ms = 500;  // an unanswered pull or step of a range comparison is repeated
  int64_t clock_ahead_max_ms = 60'000;

  size_t log_dots_max = 4'000'000;  // then the log forgets, and laggards compare ranges
  size_t extras_max = 65'536;       // keys with an `extra`; then pushes wait for anti-entropy
  size_t chunk_bytes = size_t{1} << 20;
  size_t bucket_keys = 256;
  size_t window_buckets = 64;
};
inline constexpr size_t kMembersMax = 16;

// How many nodes must have a write on disk, or take part in a read.
enum class Level : uint8_t { kOne, kQuorum, kAll };
inline constexpr Level kLevels[] = {Level::kOne, Level::kQuorum, Level::kAll};

// Those of the writes that are one turn.
class Levels {
 public:
  Levels() = default;
  Levels(Level level) { Add(level); }  // NOLINT: one is a set, too
  void Add(Level level) { bits_ |= Bit(level); }
  void Remove(Level level) { bits_ &= static_cast<uint8_t>(~Bit(level)); }
  bool Has(Level level) const { return (bits_ & Bit(level)) != 0; }
  bool empty() const { return bits_ == 0; }

 private:
  static uint8_t Bit(Level level) {
    return static_cast<uint8_t>(1U << static_cast<unsigned>(level));
  }
  uint8_t bits_ = 0;
};

struct ClientWrite {
  enum class Context : uint8_t {
    kImplicit,  // overwrites what this node has
    kBlind,     // overwrites nothing
    kGiven,     // overwrites what `seen` has
    kCounter,   // adds to a number: see Add
  };

  std::string_view key;
  bool is_delete = false;
  Context context = Context::kImplicit;
  DotSet seen;  // kGiven
  std::string_view value;
  int64_t expiry = 0;
  std::span<const float> vector;
  int64_t amount = 0;  // kCounter: `value` does not count
  // Of one that replaces a version by the same value: its time and 1, so that a write which knew
  // neither is later. 0: now.
  uint64_t time = 0;
};

struct Outgoing {
  Slot to = 0;
  std::shared_ptr<const Message> message;  // several nodes may be sent the same
};

// One for each level of a turn, the weaker ones first.
struct TurnResult {
  uint64_t turn = 0;
  Level level = Level::kOne;
  bool is_acknowledged = false;  // false: in time by too few; it may be stored, and may spread
  uint32_t acks = 0;
};

struct ReadResult {
  uint64_t id = 0;
  bool is_ok = false;  // false: too few have answered in time
};

// One key, with everything that replication knows of it.
struct KeyState {
  std::vector<Version> versions;
  DotSet context;  // what this node has seen of the key
};

struct PeerStatus {
  Slot slot = 0;
  uint64_t generation = 0;  // 0: not heard of since the start
  int64_t last_heard_ms = 0;
  uint64_t missing_here = 0;   // dots that it has on disk and we have not
  uint64_t missing_there = 0;  // the other way round
  bool is_recovering = false;
  bool is_needed = false;  // its ranges are still to be compared
};
struct ReplicaStatus {
  Actor self;
  bool is_ready = false;
  bool is_recovering = false;
  bool is_failed = false;
  std::map<Slot, uint64_t> newest;  // of each node's newest run here: the greatest counter
  uint64_t clock_hash = 0;
  size_t clock_intervals = 0;
  size_t log_dots = 0;
  size_t extras = 0;
  uint64_t conflicts = 0;       // merges that left several versions
  uint64_t pulled_objects = 0;  // merged from Objects
  uint64_t range_sessions = 0;  // finished
  uint64_t refused_messages = 0;
  std::vector<PeerStatus> peers;
};

class Replica {
 public:
  // `random` gives 64 random bits.
  Replica(ReplicaOptions options, std::function<uint64_t()> random);
  ~Replica();

  // Reads the rows and begins a new run. A transaction is open then: the owner must Seal it and
  // make it durable before it calls anything else. An empty storage is one that has lost its data:
  // the replica recovers first, from all others, which costs nothing when they are empty too.
  // FailedPrecondition: the rows are of another node, of a newer version; or other data is there.
  absl::Status Start(Storage& storage, int64_t now_ms);

  // One write of a client. A delete of a key that is not here is none, and answers a dot with the
  // counter 0. Unavailable: not ready. InvalidArgument: kCounter, and the value is no
  // integer, or the sum would not be one; a `seen` that cannot be true. Nothing is changed then.
  absl::StatusOr<Dot> Write(Storage& storage, const ClientWrite& write, int64_t now_ms);
  // What was written since the last call is one unit: every node shows all of it or nothing.
  void EndUnit();

  // The message will be given to Receive next. If that stores much, and more is to come, the peer
  // is asked for it here already, so that it works at the same time. Changes no storage.
  absl::Status AskAhead(Storage& storage, const Message& message, int64_t now_ms);
  // A message of a peer. What cannot be accepted is dropped, and counted.
  absl::Status Receive(Storage& storage, const Message& message, int64_t now_ms);
  // Messages to it arrive again: it is told at the next Tick what is new.
  void PeerConnected(Slot peer);
  // To be called every 10 to 100 ms.
  absl::Status Tick(Storage& storage, int64_t now_ms);

  // Ends the transaction: whatever was done since the last call is to be committed now, as turn
  // number ..., by the storage's owner. `levels` are those of the client writes in it. `push_late`:
  // these are sent when the turn is durable, not at once: for writes that the store could refuse.
  uint64_t Seal(Storage& storage, Levels levels, int64_t now_ms, bool push_late = false);
  // Something would be sealed.
  bool is_dirty() const;
  // Writes of clients wait for other nodes.
  bool awaits_acks() const;
  // All turns up to this one survive a power cut.
  void Durable(uint64_t turn, int64_t now_ms);
  // A turn could not be made durable.
  void Fail();

  // Makes sure that this node has seen what so many nodes have seen of the keys, one round trip;
  // then a plain read here is a read of all of them. The id comes back from TakeReads. Unavailable:
  // not ready.
  absl::StatusOr<uint64_t> StartRead(Storage& storage, std::span<const std::string_view> keys,
                                     Level level, int64_t now_ms);

  absl::StatusOr<KeyState> State(Storage& storage, std::string_view key);

  std::vector<Outgoing> TakeMessages();
  std::vector<TurnResult> TakeTurns();  // those with client writes
  std::vector<ReadResult> TakeReads();

  const DotSet& clock() const;
  const DotSet& durable_clock() const;
  Actor self() const;
  // Whether it takes part in reads and takes writes of clients: it is neither recovering nor still
  // waiting, after its start, to hear from a majority that it has lost nothing.
  bool is_ready() const;
  bool is_recovering() const;
  bool is_failed() const;
  ReplicaStatus Status() const;
  // The nodes that have the dot on disk, as far as they have told; and this one, if it has seen it.
  std::vector<Slot> HoldersOf(const Dot& dot) const;

  // How stamps name actors: those that are in the storage now.
  const ActorTable& actors() const;

  // For the checks of tests: the extras, and the log.
  const std::map<std::string, DotSet, std::less<>>& extras() const;
  size_t log_dots() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_REPLICA_H_
