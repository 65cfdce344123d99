// A Workload is clients that write to and read from every node of a cluster, and remember what they
// were told. What the cluster must never do is found while it runs, or by looking at what is there
// in the end:
//
//   registers   SET, GET, DEL of a few keys; see register_history.h
//   a set       keys that are written once: what was acknowledged is there, on every node
//   counters    INCR: acknowledged <= value <= acknowledged + unanswered
//   pairs       MSET and KV.BULKSET of two keys: always equal, on any node, at any level
//   deletes     of what was seen before, at the same node: it never comes back
//
// Threads    Its clients have one each. Start, Stop and the checks: one at a time.
#ifndef TESTS_KVSERVER_CLUSTER_PROCESS_WORKLOAD_H_
#define TESTS_KVSERVER_CLUSTER_PROCESS_WORKLOAD_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kvserver/cluster_process/contents.h"
#include "kvserver/cluster_process/process_cluster.h"
#include "kvserver/cluster_process/register_history.h"

namespace kvserver::cluster_process {

struct WorkloadOptions {
  int clients = 4;
  uint64_t seed = 1;
  // The cluster reads at quorum, and not at level one: then reads are judged as well.
  bool reads_at_quorum = true;
  // What its keys begin with.
  std::string name = "w";
  // A client waits so long between two requests: bounds what has to be remembered.
  std::chrono::microseconds pause{0};
};

struct WorkloadCounts {
  uint64_t acknowledged = 0, refused = 0, unknown = 0, reads = 0;
  uint64_t set_acknowledged = 0, deleted = 0, increments = 0, pairs_read = 0;
};

class Workload {
 public:
  Workload(const ProcessCluster& cluster, WorkloadOptions options);
  ~Workload();

  void Start();
  void Stop();

  // Words that its values contain, for searches.
  static std::vector<std::string> Words();

  // After Stop. `contents`: what every node has in the end. One sentence per broken promise.
  std::vector<std::string> Check(const Contents& contents) const;
  WorkloadCounts counts() const;

 private:
  class Client;

  const ProcessCluster& cluster_;
  const WorkloadOptions options_;
  std::atomic<bool> is_stopping_{false};
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::thread> threads_;
};

}  // namespace kvserver::cluster_process

#endif  // TESTS_KVSERVER_CLUSTER_PROCESS_WORKLOAD_H_
