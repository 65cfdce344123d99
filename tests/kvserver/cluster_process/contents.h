// What one node has on disk, and what it finds: without asking other nodes.
#ifndef TESTS_KVSERVER_CLUSTER_PROCESS_CONTENTS_H_
#define TESTS_KVSERVER_CLUSTER_PROCESS_CONTENTS_H_

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "kvserver/cluster_process/process_cluster.h"

namespace kvserver::cluster_process {

using Contents = std::map<std::string, std::string>;

// All keys and values of the directory; the process may run. Throws std::runtime_error.
Contents ContentsOf(const std::string& directory);

// Up to five keys that differ, with both values; empty: equal.
std::string DifferenceOf(const Contents& one, const Contents& other);

// What node `node` finds for each of the words: the keys, in their order, and values.
// Throws std::runtime_error when it does not answer.
std::map<std::string, Contents> FoundBy(const ProcessCluster& cluster, int node,
                                        const std::vector<std::string>& words);

// Waits until all nodes have the same on disk, and find the same for `words`. The contents; or,
// when they are not equal in time, what differs is in `difference`.
struct Converged {
  Contents contents;
  std::string difference;
  std::chrono::milliseconds took{0};
};
Converged WaitUntilEqual(const ProcessCluster& cluster, const std::vector<std::string>& words,
                         std::chrono::milliseconds longest);

}  // namespace kvserver::cluster_process

#endif  // TESTS_KVSERVER_CLUSTER_PROCESS_CONTENTS_H_
