// One run: a cluster of replicas on simulated disks and a simulated network, with clients and
// faults, in virtual time. After so many steps all faults end; the cluster has to become quiet, and
// then everything is compared with the model of truth.
//
// What is checked, by the names that a violation has:
//   I1   after the faults all nodes have the same versions, records and clocks
//   I2   ... and nothing is left over: no extras, no log, no record without a version
//   I3   an acknowledged write is live or overwritten by one that survives
//   I4   nothing is live that a surviving write has overwritten
//   I5   a dot names one write, with one value, everywhere
//   I6   a quorum read has every write that a quorum acknowledged before it began
//   I7   a replica that is not ready neither writes nor reads for clients
//   I8   clocks, logs, extras and messages stay small
//   I9   a replica that is not recovering shows all of a request or nothing of it; not checked any
//        more once a disk was lost while another node compared its keys with it, perhaps
//   I10  the record is what its versions resolve to, and the index is what the records are
//   I11  a client that waits for its dots reads its writes, and never goes back
//   I12  after the faults every node takes writes and reads again
// Increments are counted once: a counter's value is the sum of those that are live (I3, I5).
#ifndef LIBKV_TESTS_SIM_SIMULATION_H_
#define LIBKV_TESTS_SIM_SIMULATION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "cluster/mutant.h"
#include "cluster/replica.h"
#include "sim/profile.h"
#include "sim/random.h"
#include "sim/sim_network.h"
#include "sim/sim_storage.h"
#include "sim/truth.h"
#include "sim/wire.h"

namespace kvserver::sim {

struct RunOptions {
  uint64_t seed = 1;
  size_t nodes = 3;
  size_t steps = 500;
  cluster::Mutant mutant = cluster::Mutant::kNone;  // only bends the profile: see active_mutant
  bool trace = false;                               // prints every event
};

struct RunCounts {
  uint64_t runs = 0, steps = 0, writes = 0, acknowledged = 0, units = 0, increments = 0;
  uint64_t quorum_reads = 0, session_reads = 0, messages = 0, lost_messages = 0;
  uint64_t crashes = 0, wipes = 0, restores = 0, failed_commits = 0, failed_reads = 0;
  uint64_t conflicts = 0, pulled_objects = 0, range_sessions = 0, settled = 0;
  uint64_t healing_ms = 0;

  void Add(const RunCounts& other);
};

class Simulation {
 public:
  explicit Simulation(const RunOptions& options);
  ~Simulation();

  // "": nothing was violated.
  std::string Run();
  const RunCounts& counts() const { return counts_; }

 private:
  struct Read {
    std::vector<size_t> keys;
    uint64_t began = 0;  // in acknowledgements
    cluster::Level level = cluster::Level::kQuorum;
    size_t client = 0;
    uint64_t crashes = 0;  // before it
  };
  struct Node {
    size_t index = 0;
    SimStorage storage;
    std::unique_ptr<cluster::Replica> replica;  // null: no process
    uint64_t process = 0;                       // the number of its process
    bool is_up = false;                         // the start is durable
    bool must_recover = false;                  // told at the next start
    bool has_lost = false;                      // data, and not got it back for sure yet
    bool was_recovering = false;                // since it has lost data
    int64_t paused_until_us = 0;
    int64_t skew_ms = 0, last_ms = 0;
    std::optional<SimStorage::Image> backup;

    uint64_t sealed_turn = 0, durable_turn = 0;
    bool is_syncing = false, is_seal_planned = false, fails_commit = false;
    cluster::Level level = cluster::Level::kQuorum;  // of the open transaction
    std::vector<WriteId> open_writes;
    std::map<uint64_t, std::vector<WriteId>> turns;
    std::map<uint64_t, cluster::Levels> levels;  // of them, that have no result yet
    std::map<uint64_t, Read> reads;
    std::vector<bool> shown_units;  // all of them is in the clock
    cluster::DotSet clock_before;
  };
  struct Client {
    cluster::DotSet needs;  // what it has written and read
    int waits = 0;
  };
  struct Token {
    size_t key = 0;
    cluster::DotSet seen;
  };
  enum class Kind : uint8_t { kTick, kArrival, kSynced, kSeal, kStart, kOperation, kFault };
  struct Event {
    int64_t at_us = 0;
    uint64_t order = 0;
    Kind kind = Kind::kTick;
    size_t node = 0;
    uint64_t process = 0;                       // 0: of none; else nothing happens if that is over
    uint64_t number = 0;                        // the turn, or the packet
    bool operator<(const Event& other) const {  // the first is the greatest
      return at_us != other.at_us ? at_us > other.at_us : order > other.order;
    }
  };

  // -- simulation.cc: time, and the life of a node
  // -------------------------------------------------
  void At(int64_t at_us, Kind kind, size_t node = 0, uint64_t process = 0, uint64_t number = 0);
  bool Step();
  void Start(Node& node);
  void AfterCall(Node& node, const absl::Status& status);
  void Seal(Node& node);
  void Synced(Node& node, uint64_t turn);
  void PlanSync(Node& node);
  void Take(Node& node);
  void Send(Node& node, const cluster::Outgoing& outgoing);
  void Arrive(Node& node, const Packet& packet);
  int64_t NowMs(Node& node);
  void Heal();

  // -- simulation_faults.cc
  // ------------------------------------------------------------------------
  void Fault();
  // `down_ms` < 0: for as long as chance says.
  void Crash(Node& node, const char* why, int64_t down_ms = -1);
  void LoseData(Node& node, bool is_restore);
  size_t losses_allowed() const { return (nodes_.size() - 1) / 2; }

  // -- simulation_clients.cc
  // -----------------------------------------------------------------------
  void Operation();
  void WriteUnit(Node& node, size_t client, size_t writes);
  bool WriteOne(Node& node, size_t client, std::vector<WriteId>* unit);
  void StartRead(Node& node, size_t client);
  void FinishRead(Node& node, const cluster::ReadResult& result);
  bool IsSeenSomewhere(const TruthWrite& write) const;
  void SessionRead(Node& node, size_t client);
  void Acknowledged(Node& node, const cluster::TurnResult& result);
  cluster::Level PickLevel();

  // -- simulation_checks.cc
  // ------------------------------------------------------------------------
  void Violation(const std::string& what);
  bool has_failed() const { return !violation_.empty(); }
  void CheckBoundary(Node& node);
  // What keeps the cluster from being quiet; "": nothing.
  std::string Unrest();
  void CheckQuiet();
  void CheckNode(Node& node);
  void CheckKey(size_t key, const std::vector<cluster::Version>& versions);
  void CheckAlive();

  void Trace(const char* format, ...) __attribute__((format(printf, 2, 3)));

  const RunOptions options_;
  Random random_;
  Profile profile_;
  SimNetwork network_;
  Truth truth_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Client> clients_;
  std::deque<Token> tokens_;
  std::map<WriteId, size_t> writers_;  // clients

  int64_t now_us_ = 0;
  std::priority_queue<Event> events_;
  uint64_t next_order_ = 0, next_process_ = 1;
  std::vector<Packet> packets_;
  std::vector<size_t> free_packets_;
  uint64_t next_value_ = 1;
  bool is_healing_ = false;
  int64_t skew_max_ms_ = 3'000;     // of all clocks, ever
  bool has_losses_ = false;         // of disks, in this run
  bool has_silent_losses_ = false;  // that the replica was not told of
  std::string violation_;
  RunCounts counts_;
};

// How a message is called in traces.
std::string Describe(const cluster::Message& message);

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_SIMULATION_H_
