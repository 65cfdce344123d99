// A ProcessCluster is a cluster of kvserver processes on 127.0.0.1, with a FaultProxy in each
// connection between nodes: what a test does to it is what happens to machines and cables.
//
//   ProcessCluster cluster({.nodes = 3});
//   cluster.StartAll();
//   cluster.Isolate(0);
//   cluster.Kill(1);
//   cluster.HealAll();
//
// Nodes are numbered from 0; their --node-id is one more. Failures of the machinery, such as a
// process that does not start, are std::runtime_error, with the logs in it.
//
// Threads    One, but port(), which any thread may ask.
#ifndef TESTS_KVSERVER_CLUSTER_PROCESS_PROCESS_CLUSTER_H_
#define TESTS_KVSERVER_CLUSTER_PROCESS_PROCESS_CLUSTER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kvserver/cluster_process/server_process.h"
#include "kvserver/support/fault_proxy.h"
#include "support/temp_dir.h"

namespace kvserver::cluster_process {

struct ClusterOptions {
  int nodes = 3;
  std::vector<std::string> arguments = {};  // of every node, beside those that make it one
  std::string program = KVSERVER_BINARY;
};

// What happens to what one node sends to another, whichever of the two has dialled.
struct Path {
  int delay_ms = 0;
  size_t bytes_per_second = 0;  // 0: as many as there are
  bool is_blocked = false;      // nothing comes along, and nothing is lost, as when a cable is out
  bool is_losing = false;       // what is sent is gone, as when the far machine is
  bool is_refusing = false;     // connections are closed at once
};

class ProcessCluster {
 public:
  explicit ProcessCluster(ClusterOptions options);

  int size() const { return static_cast<int>(nodes_.size()); }

  // Returns when the node listens, which is before it has caught up: see WaitUntilReady.
  void Start(int node, const std::vector<std::string>& more = {});
  void StartAll();
  // The same for one that should not come up: what it said, when it has ended by itself. Empty: it
  // runs, and is killed.
  std::string StartRefused(int node, const std::vector<std::string>& more = {});
  void Kill(int node);
  void Stop(int node);  // SIGTERM, and the answer must be 0 within 15 s
  void Pause(int node);
  void Resume(int node);
  bool is_running(int node);
  bool is_paused(int node) const { return nodes_[node].is_paused; }
  ServerProcess& process(int node) { return *nodes_[node].process; }

  // Of a node that does not run.
  void Wipe(int node);
  void SaveCopy(int node);
  bool has_copy(int node) const { return nodes_[node].has_copy; }
  void RestoreCopy(int node);
  // Its newest writes, of so many bytes: the end of the newest log of the store. False: there is
  // nothing to lose there.
  bool LoseTail(int node, uint64_t bytes);
  std::string directory(int node) const;

  void SetPath(int from, int to, const Path& path);
  void Isolate(int node, bool is_losing = false);  // both ways, from all others
  void Disconnect(int node);                       // all its connections break, once
  void HealPaths();
  // All paths, all nodes started and awake.
  void HealAll();

  // Whether all running nodes take reads and writes, within that time; and how long that took.
  bool WaitUntilReady(std::chrono::milliseconds longest);
  bool WaitUntilReady(int node, std::chrono::milliseconds longest);

  // Of clients; 0: it does not run.
  uint16_t port(int node) const { return nodes_[node].port.load(); }
  // A second directory as the same or another node, for what must be refused.
  std::vector<std::string> ArgumentsOf(int node, const std::string& directory) const;
  // The last lines of every node's log.
  std::string Logs(size_t bytes_each = 6'000) const;
  std::string LogOf(int node) const;
  // What has gone from node to node, both directions of all connections.
  uint64_t bytes_between_nodes() const;

 private:
  struct Node {
    std::unique_ptr<ServerProcess> process;
    std::atomic<uint16_t> port = 0;
    bool is_paused = false, has_copy = false;
    std::vector<std::string> more;
  };
  FaultProxy& proxy(int from, int to) const { return *proxies_[from * size() + to]; }
  Path& path(int from, int to) { return paths_[from * size() + to]; }
  void Apply(int one, int other);
  [[noreturn]] void Broken(const std::string& what) const;

  const ClusterOptions options_;
  libkv::TempDir dir_;
  std::vector<std::unique_ptr<FaultProxy>> proxies_;
  std::vector<Path> paths_;
  std::vector<Node> nodes_;
};

}  // namespace kvserver::cluster_process

#endif  // TESTS_KVSERVER_CLUSTER_PROCESS_PROCESS_CLUSTER_H_
