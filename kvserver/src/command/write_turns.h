// WriteTurns puts the writes of all connections into one commit.
//
// The problem: a durable commit costs a sync of 100 us and more, and even without a sync a commit
// of one key costs several times what a key costs within a large commit. A server that commits
// every command by itself, or blocks a thread per write, is that slow.
//
// Ours: what the connections write until their I/O thread has nothing left to read is one turn. The
// turn is handed to the store as one batch, without waiting; the replies of its writes are held
// back until the store says that it is durable. Meanwhile the next turn fills.
//
// A small turn that nothing else is waiting for is committed by the I/O thread itself (Here): to
// wake the store's thread, and to be woken by it, costs more than the commit. A turn with values
// that an embedder must be asked about is handed over by a thread of its own: the embedder may be a
// server far away, and reads go on meanwhile.
//
// Until then the writes are pending. Commands that read in order to write (INCR, SET NX) and later
// commands of the same pipeline see them: pending first, then the store. So every such command is
// atomic, whichever connections it competes with, and no connection sees a write of another one
// that could still be lost.
//
// In a cluster a Replicator takes part: it turns each write into what is stored, adds rows to the
// turn, and says when enough nodes have it. How many are enough is each request's own level: a turn
// is finished level by level, and for each level turns finish in order. So a request that waits for
// all nodes, one of which is gone, holds up nobody who waits for a majority.
//
// Threads: a Writer holds the lock; everything else locks by itself.
//
// Where it is: a request, turn_writer.cc; the turn as replication sees it, turn_storage.h; filling
// a turn and handing it over, write_turns.cc; what follows when it is stored, turn_end.cc.
#ifndef KVSERVER_SRC_COMMAND_WRITE_TURNS_H_
#define KVSERVER_SRC_COMMAND_WRITE_TURNS_H_

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/arena.h"
#include "cluster/replica.h"
#include "cluster/session_token.h"
#include "cluster/storage.h"
#include "command/conflict_rules.h"
#include "libkv/store.h"

namespace kvserver {

class WriteTurns {
 public:
  // A turn is handed over when it has so many writes or bytes, at the latest.
  static constexpr size_t kTurnWritesMax = 1'000;
  static constexpr size_t kTurnBytesMax = size_t{1} << 20;

  // What the caller of Submit may commit itself: nothing; what is not synced; everything.
  enum class Here { kNothing, kUnsynced, kAll };
  // Of a turn that is committed so, at most.
  static constexpr size_t kHereWritesMax = 64;
  static constexpr size_t kHereBytesMax = size_t{64} << 10;
  // A commit that took this long shows a slow disk: for kHerePause times as long the store's thread
  // commits all, and callers of Submit do not wait.
  static constexpr int64_t kHereMaxUs = 20'000;
  static constexpr int64_t kHerePause = 10;

  // Bytes of turns that wait to be handed over: from the first on, connections that wait for a turn
  // are not read from; from the second on, Submit waits.
  static constexpr size_t kWaitingBytesSlow = size_t{32} << 20;
  static constexpr size_t kWaitingBytesMax = size_t{128} << 20;

  // Where a reply has to wait: for the end of `turn` at `level`, if the turn is not 0; `unit`
  // counts the writing requests of a turn. kOne is the end of what the store does, with or without
  // others.
  struct Hold {
    uint64_t turn = 0;
    uint32_t unit = 0;
    cluster::Level level = cluster::Level::kOne;
  };
  // A request of a finished turn whose writes were not stored.
  struct Failure {
    uint32_t unit = 0;
    absl::Status status;
  };
  struct Finished {
    uint64_t turn = 0;
    cluster::Level level = cluster::Level::kOne;
    std::vector<Failure> failures;  // ascending; usually none
    absl::Status status;            // of all units of the level
    absl::Status Of(uint32_t unit) const;
  };
  // Called once per turn and level that a reply waits for, in order for each level, by the store's
  // thread or by one that calls Submit. It must not block.
  using OnFinished = std::function<void(const std::shared_ptr<const Finished>&)>;

  struct Entry {
    std::string value;
    int64_t expiry = 0;  // milliseconds since 1970; 0: never
  };

  // What a cluster adds. Everything but Flush is called under the lock, and must not block.
  class Replicator {
   public:
    virtual ~Replicator() = default;
    // A write of a client, made in `turn`, under this name; with the counter 0: there was nothing
    // to do. Not OK: nothing was done.
    virtual absl::StatusOr<cluster::Dot> Write(cluster::Storage& turn,
                                               const cluster::ClientWrite& write) = 0;
    // The request is over; its reply waits for so many nodes.
    virtual void EndUnit(cluster::Level level) = 0;
    // The turn is about to be handed to the store, with what is written now. 0: nothing of it
    // concerns the replicator.
    virtual uint64_t Seal(cluster::Storage& turn) = 0;
    // The turn that was sealed so is stored, in order; or could not be, and never will. True: its
    // replies above level kOne wait for Acknowledged.
    virtual bool Stored(uint64_t sealed, const absl::Status& status) = 0;
    // Of turns up to this one nothing is pending any more: reads of the store see all of it, unless
    // it could not be stored.
    virtual void NothingPending(uint64_t turn) = 0;
    // Without the lock, after any of these.
    virtual void Flush() = 0;
  };

  WriteTurns(libkv::Store& store, std::function<int64_t()> clock, OnFinished on_finished);
  ~WriteTurns();  // submits what is left and waits for it

  // The writes of one request: all or nothing. While one lives, no other request writes.
  class Writer {
   public:
    Writer(WriteTurns& turns, libkv::Durability durability,
           cluster::Level level = cluster::Level::kQuorum);
    ~Writer();  // as Finish, if that was not called

    // What `key` will be bound to when all that is pending is stored.
    absl::StatusOr<std::optional<Entry>> Read(std::string_view key);
    absl::StatusOr<bool> Exists(std::string_view key);
    // The vector of its value; none: empty.
    absl::StatusOr<std::vector<float>> VectorOf(std::string_view key);

    // The keys that are not stored as they will be, in no order. The views live as this does.
    struct PendingKey {
      std::string_view key;
      bool exists = false;
    };
    std::vector<PendingKey> PendingKeys() const;

    // `expiry` in milliseconds since 1970, 0: never. Set in the past deletes. A vector, unless it
    // is empty, goes with the value.
    void Set(std::string_view key, std::string_view value, int64_t expiry = 0,
             std::span<const float> vector = {});
    void Delete(std::string_view key);
    // In a cluster: any write. An error is also the reply of the request, in place of what it has.
    absl::Status Replicate(const cluster::ClientWrite& write);
    // A row beside the keys, in the same commit (libkv::Batch::PutRow).
    void PutRow(std::string_view name, std::string_view value);
    // In a cluster: what was written.
    const cluster::DotRange& written() const { return written_; }
    // What a reply waits for that depends on what is written here.
    Hold hold() const;
    // As WriteTurns::FailureOf.
    absl::Status FailureOf(Hold hold) const { return turns_.FailureLocked(hold); }
    // The turn that is filling, as its storage.
    void WithStorage(absl::FunctionRef<void(cluster::Storage& turn)> work);
    // The same for a system key, which the others refuse.
    absl::Status ReplicateSystem(const cluster::ClientWrite& write);
    size_t count() const { return count_; }

    // Ends the request. What its reply must wait for: its own writes, or those it has read.
    Hold Finish();

   private:
    friend class WriteTurns;
    absl::Status GiveToReplicator(const cluster::ClientWrite& write);
    WriteTurns& turns_;
    std::unique_lock<std::mutex> lock_;
    const libkv::Durability durability_;
    const cluster::Level level_;
    size_t count_ = 0;
    cluster::DotRange written_;
    Hold seen_;
    bool finished_ = false;
    absl::Status failure_;
  };

  // Not together with writes of clients: before the first of them.
  void SetReplicator(Replicator* replicator) { replicator_ = replicator; }
  bool is_replicated() const { return replicator_ != nullptr; }
  // Runs `work` as one who writes, with the turn that is filling as its storage.
  void WithStorage(absl::FunctionRef<void(cluster::Storage& turn)> work);
  // The turn of what is pending of the key; 0: nothing is. Under the lock, as a Replicator runs.
  uint64_t PendingTurn(std::string_view key) const;
  // The same for a reply that shows it. Under the lock too.
  Hold PendingHold(std::string_view key);
  // Hands over what WithStorage has written, unless a turn is under way and will be followed by
  // another call of this: `on_stored` of it tells. Any thread. True: as of Submit.
  bool SubmitStorage(Here here = Here::kNothing);
  // A turn that was sealed so has been acknowledged at this level, or not in time.
  void Acknowledged(uint64_t sealed, cluster::Level level, const absl::Status& status);
  // A fault for learners and tests: turns for which it answers true are not synced, and yet
  // acknowledged as if they were.
  void SkipSyncs(std::function<bool()> skips) { skips_sync_ = std::move(skips); }
  // Called, by the store's thread, when turns are stored and SubmitStorage was put off.
  void OnStored(std::function<void()> on_stored) { on_stored_ = std::move(on_stored); }

  // In a cluster. How siblings are merged from now on; and the prefixes of spaces that are about to
  // go: vectors that come for their keys are parked (parked_vector.h). What is stored stays as it
  // is.
  void SetConflictRules(std::shared_ptr<const ConflictRules> rules);
  std::shared_ptr<const ConflictRules> conflict_rules() const;  // with the lock held or not
  void SetLeavingSpaces(std::vector<std::string> prefixes);
  // Called, with the lock held, when a turn that writes system keys is stored. Null: no more.
  void OnSystemKeys(std::function<void()> on_system_keys);

  // For a pipeline that reads what it wrote: the pending state of `key`. Outer nullopt: nothing is
  // pending, ask the store. Inner nullopt: a delete is. `hold` is set to the turn it is in.
  std::optional<std::optional<Entry>> Pending(std::string_view key, Hold& hold);

  // Hands the turn over, if there is anything in it that this thread has written. Costs a look at a
  // flag otherwise: threads that only read do not wait for writers. True: the caller has committed
  // the turn itself, and it is finished.
  bool Submit(Here here = Here::kNothing);
  // More than kWaitingBytesSlow wait.
  bool is_backed_up() const {
    return waiting_bytes_.load(std::memory_order_relaxed) > kWaitingBytesSlow;
  }
  bool has_writes() const { return has_writes_.load(std::memory_order_relaxed); }
  bool is_full() const { return is_full_.load(std::memory_order_relaxed); }

  // Keeps all requests from writing, and waits until nothing is pending: for changes that go to the
  // store directly (FLUSHALL).
  std::unique_lock<std::mutex> Quiesce();

  // Why the writes that a reply waits for were not stored, if their turn has finished and was one
  // of the newest kFailedTurnsMax with a failure: for replies that are written only after that.
  static constexpr size_t kFailedTurnsMax = 1'024;
  absl::Status FailureOf(Hold hold) const;

  uint64_t last_finished(cluster::Level level) const {
    return last_finished_[static_cast<size_t>(level)].load(std::memory_order_acquire);
  }
  // Up to it nothing is pending.
  uint64_t last_stored() const { return last_finished(cluster::Level::kOne); }
  uint64_t turns_submitted() const { return submitted_.load(std::memory_order_relaxed); }
  // Of them: by the caller of Submit itself.
  uint64_t turns_committed_here() const { return committed_here_.load(std::memory_order_relaxed); }
  size_t waiting_bytes() const { return waiting_bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kWriteOverhead = 32;  // what a write costs beside its bytes
  struct Write {
    bool is_delete = false;
    std::string_view key, value;  // in the arena of the turn
    std::span<const float> vector;
    int64_t expiry = 0;
    std::string_view stamp = {};
    // Whether reads find the key when this is the last of it.
    bool IsSeen(int64_t now) const { return !is_delete && (expiry == 0 || expiry > now); }
  };
  struct RowWrite {
    bool is_delete = false;
    uint32_t unit = 0;
    std::string_view name, value;
  };
  class TurnStorage;
  friend class TurnStorage;
  template <typename T>
  using PerLevel = std::array<T, std::size(cluster::kLevels)>;  // by its number
  struct Turn {
    uint64_t number = 0;
    Arena arena;
    std::vector<Write> writes;
    std::vector<RowWrite> rows;
    std::vector<size_t> unit_ends;  // in writes
    std::vector<Failure> refused;   // units that the replicator did not take
    uint64_t sealed = 0;
    size_t bytes = 0;
    libkv::Durability durability = libkv::Durability::kBuffered;
    bool is_slow = false;  // has values for an embedder that may take long
    bool is_done = false;
    std::vector<Failure> failures;
    absl::Status status;     // of the whole turn
    cluster::Levels levels;  // of its units; and kOne, if somebody has read what is pending in it
    PerLevel<std::optional<absl::Status>> acknowledgements;  // that came before it was stored
  };
  // A turn that is stored, and waits for other nodes or for those in front of it.
  struct StoredTurn {
    uint64_t number = 0, sealed = 0;
    bool waits = false;
    bool is_waited_for = true;  // by a reply
    std::vector<Failure> failures;
    absl::Status status;
  };
  struct Slot {
    uint64_t turn = 0;
    uint32_t unit = 0;
    Write write;
  };
  // What a reply waits for that has read it.
  Hold HoldOf(const Slot& slot);
  struct KeyHash {
    size_t operator()(std::string_view key) const;
  };
  using Overlay = absl::flat_hash_map<std::string_view, Slot, KeyHash, std::equal_to<>>;

  absl::Status FailureLocked(Hold hold) const;
  void Add(const Write& write);
  bool SubmitLocked(std::unique_lock<std::mutex>& lock, Here here = Here::kNothing);
  bool MayCommitHere(const Turn& turn, Here here) const;
  void RefreshSlowPrefixes();
  bool IsSlow(const Write& write) const;
  void HandOver(bool first_here, bool may_take_long);
  void LeaveToSlowThread();
  void RunSlowThread();
  void WriteTurn(Turn& turn, bool here);
  void Written(Turn& turn, absl::Status status);
  void WriteEach(Turn& turn, const absl::Status& of_slow = absl::OkStatus());
  void TurnDone(Turn& turn, absl::Status status, std::vector<Failure> failures);
  void ReportFinished(std::unique_lock<std::mutex>& lock);
  void Report(StoredTurn stored, cluster::Level level, std::unique_lock<std::mutex>& lock);
  std::unique_ptr<Turn> NewTurn();
  void AddTo(libkv::Batch& batch, const Write& write) const;
  static void AddRow(const RowWrite& row, libkv::Batch& batch);
  libkv::Batch BatchOf(const Turn& turn, size_t begin, size_t end) const;
  libkv::Batch SortedBatchOf(const Turn& turn) const;

  libkv::Store& store_;
  const std::function<int64_t()> clock_;
  const OnFinished on_finished_;

  std::mutex finish_mutex_;  // turns are reported in order

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable idle_;
  std::unique_ptr<Turn> filling_;
  std::deque<std::unique_ptr<Turn>> flying_;
  std::deque<Turn*> to_store_;    // of them: not handed over yet
  bool is_handing_over_ = false;  // one thread at a time does, and takes along what others leave
  std::thread::id handing_over_;  // which
  std::condition_variable room_;  // for more turns to wait
  std::thread slow_thread_;       // runs from the first slow turn on
  std::condition_variable slow_wake_;
  bool is_left_to_slow_ = false, is_closing_ = false;
  std::vector<std::string> slow_prefixes_;  // of spaces, as of slow_prefixes_us_
  int64_t slow_prefixes_us_ = 0;
  PerLevel<std::deque<StoredTurn>> stored_;
  Replicator* replicator_ = nullptr;
  std::function<void()> on_stored_, on_system_keys_;
  mutable std::mutex rules_mutex_;  // behind the lock; who has the lock may read without it
  std::shared_ptr<const ConflictRules> conflict_rules_ = std::make_shared<ConflictRules>();
  std::vector<std::string> leaving_spaces_;
  bool is_put_off_ = false;  // SubmitStorage is
  std::atomic<int64_t> here_again_us_{0};
  int finishing_ = 0;  // threads in TurnDone, which go on without the lock
  std::function<bool()> skips_sync_;
  std::unique_ptr<Turn> spare_;
  Overlay overlay_;
  std::deque<std::shared_ptr<const Finished>> failed_;  // the newest last
  uint64_t next_number_ = 1;
  std::atomic<bool> is_full_{false}, has_writes_{false};
  std::atomic<size_t> waiting_bytes_{0};
  PerLevel<std::atomic<uint64_t>> last_finished_{};
  std::atomic<uint64_t> submitted_{0}, committed_here_{0};
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_WRITE_TURNS_H_
