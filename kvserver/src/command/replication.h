// Replication binds a cluster::Replica to the turns of writes: what it stores goes into the turn
// that is filling, with the writes of clients, in one commit; what it sends and answers leaves when
// the lock of the turns is free again.
//
// Threads    Any, but Start, which comes before all others.
#ifndef KVSERVER_SRC_COMMAND_REPLICATION_H_
#define KVSERVER_SRC_COMMAND_REPLICATION_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cluster/replica.h"
#include "command/write_turns.h"

namespace kvserver {

class Replication : public WriteTurns::Replicator {
 public:
  // Of one request, and of a turn that could not be replicated if it were larger.
  static constexpr size_t kRequestBytesMax = size_t{16} << 20;

  struct Options {
    cluster::ReplicaOptions replica;
    cluster::Level write_level = cluster::Level::kQuorum;
    cluster::Level read_level = cluster::Level::kQuorum;
    bool allows_weak = false;  // reads and writes in one step that are atomic on one node only
  };
  // A message, as it travels.
  struct Bytes {
    cluster::Slot to = 0;
    std::string bytes;
  };
  // Gives messages to the network, which sends them in this order; each may be lost.
  using SendAll = std::function<void(std::vector<Bytes> messages)>;
  // A warning for the log.
  using Warn = std::function<void(const std::string& line)>;

  // All three outlive this.
  Replication(libkv::Store& store, WriteTurns& turns, Options options,
              std::function<int64_t()> clock_ms);
  ~Replication() override;

  // Takes part in all turns from now on, as a new run. When it returns, what must be on disk before
  // the first message is. FailedPrecondition: the directory does not fit; see Replica::Start.
  absl::Status Start();
  // The dimension of vectors that clients may give with a value of the key though the store has no
  // space for them yet; 0: none. Called under the lock of the turns.
  void SetExpectedDimension(std::function<size_t(std::string_view key)> expected) {
    expected_dimension_ = std::move(expected);
  }
  // From here on messages leave. `wake`: Tick is to be called soon. Null: none of it any more.
  void Connect(SendAll send, Warn warn, std::function<void()> wake);

  // A message of a peer. An error: it is malformed.
  absl::Status Receive(std::string_view bytes);
  // Messages to it arrive again. Tick is to be called soon.
  void PeerConnected(cluster::Slot peer);
  // To be called every 20 ms or so.
  void Tick();

  // Makes sure that this node has seen of the keys what so many nodes have, and that the store has
  // it, so that any read of it does; then calls `done`, once, maybe at once, from any thread. Not
  // OK: it could not be made sure.
  using AskDone = std::function<void(absl::Status)>;
  void AskPeers(std::span<const std::string_view> keys, cluster::Level level, AskDone done);

  // Calls `done`, once, when everything that this session has written is in the store here; or not
  // in time: Unavailable.
  void AwaitSession(const cluster::DotSet& session, AskDone done);
  // The same when so many nodes, with this one, have on disk what a dot names; or not in time:
  // DeadlineExceeded.
  void AwaitLevel(const cluster::Dot& dot, cluster::Level level, AskDone done);

  // Of one moment. Of a request that writes: its writer, which has the lock. `hold`: what a reply
  // waits for that shows it.
  absl::StatusOr<cluster::KeyState> State(std::string_view key,
                                          WriteTurns::Writer* writer = nullptr,
                                          WriteTurns::Hold* hold = nullptr);
  cluster::ReplicaStatus Status();
  // Stores the records of these keys anew, with the same versions: for rules of the storage that
  // have changed. Keys that are gone are passed over. The rest is on its way when it returns.
  absl::Status Rewrite(std::span<const std::string> keys);
  // Gives the only version of a key, if it still is `version`, a vector: as a write of this node
  // that has seen it. Nothing happens if the key has changed.
  absl::Status AddVector(const std::string& key, const cluster::Version& version,
                         std::span<const float> vector);
  // Of all keys and their versions: equal on nodes that hold the same. Reads every key, of one
  // moment; takes no lock meanwhile.
  struct Fingerprint {
    uint64_t keys = 0, hash = 0, clock_hash = 0;
  };
  absl::StatusOr<Fingerprint> MakeFingerprint();
  // Which nodes have, on disk, what a dot names; this one included, whether on disk or not.
  std::vector<cluster::Slot> HoldersOf(const cluster::Dot& dot);
  // Waits until so many nodes have it, or until `deadline_ms`; answers how many have.
  size_t AwaitHolders(const cluster::Dot& dot, size_t wanted, int64_t deadline_ms);

  // How a peer can be reached; the owner of the network tells.
  struct Link {
    cluster::Slot slot = 0;
    std::string address, last_error;
    bool is_connected = false;
    uint64_t bytes_in = 0, bytes_out = 0, frames_dropped = 0;
  };
  using Links = std::function<std::vector<Link>()>;
  void SetLinks(Links links);
  std::vector<Link> PeerLinks();

  bool is_ready() const { return is_ready_.load(std::memory_order_acquire); }
  const Options& options() const { return options_; }
  cluster::Actor self() const { return self_; }
  // As AppendTo of cluster::DotSet, with a checksum that only this cluster's nodes can make.
  std::string ContextToken(const cluster::DotSet& context) const;
  absl::StatusOr<cluster::DotSet> ReadContextToken(std::string_view token) const;
  uint64_t token_seed() const { return token_secret_; }  // of session tokens
  void SetTokenSecret(std::string_view cluster_name);

  // WriteTurns::Replicator.
  absl::StatusOr<cluster::Dot> Write(cluster::Storage& turn,
                                     const cluster::ClientWrite& write) override;
  void EndUnit(cluster::Level level) override;
  uint64_t Seal(cluster::Storage& turn) override;
  bool Stored(uint64_t sealed, const absl::Status& status) override;
  void NothingPending(uint64_t turn) override;
  void Flush() override;

 private:
  struct Answer {
    AskDone done;
    absl::Status status;
  };
  struct Asking {
    std::vector<std::string> keys;
    AskDone done;
  };
  // Who waits for what becomes durable, here or elsewhere.
  struct Waiter {
    std::function<bool()> is_over;
    int64_t deadline_ms = 0;
    absl::Status late;
    AskDone done;
  };
  static constexpr size_t kWaitersMax = 4'096;

  void Await(Waiter waiter);
  void LookAtWaiters();  // under the lock of the turns

  absl::Status CheckVector(const cluster::ClientWrite& write) const;
  void Collect();  // under the lock of the turns
  void Fail(const absl::Status& status);

  libkv::Store& store_;
  WriteTurns& turns_;
  const Options options_;
  const std::function<int64_t()> clock_ms_;
  cluster::Actor self_;
  uint64_t token_secret_ = 0;
  std::function<size_t(std::string_view key)> expected_dimension_;  // set before the first request
  std::atomic<bool> is_ready_{false};
  std::atomic<bool> must_submit_{false};

  // Under the lock of the turns.
  cluster::Replica replica_;
  size_t turn_bytes_ = 0;
  cluster::Levels turn_levels_;
  bool has_writes_ = false;
  std::set<uint64_t> with_writes_;  // sealed turns
  std::map<uint64_t, Asking> asking_;
  // Answered by the others; what they read is in that turn, which the store does not have yet.
  std::multimap<uint64_t, AskDone> answered_;
  std::list<Waiter> waiters_;

  std::mutex heard_mutex_;
  std::condition_variable heard_;  // of a peer, or of time

  std::mutex out_mutex_;  // guards these
  std::vector<cluster::Outgoing> messages_;
  std::vector<cluster::TurnResult> turns_done_;
  std::vector<Answer> answers_;
  std::vector<std::string> warnings_;

  std::mutex send_mutex_;  // messages leave in their order
  SendAll send_;
  Warn warn_;
  std::mutex wake_mutex_;
  std::function<void()> wake_;  // guarded by it
  Links links_;                 // likewise
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_REPLICATION_H_
