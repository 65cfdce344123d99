// A Workload and a Nemesis on one cluster, for some time; then everything is healed and compared.
#ifndef TESTS_KVSERVER_CLUSTER_PROCESS_RANDOM_RUN_H_
#define TESTS_KVSERVER_CLUSTER_PROCESS_RANDOM_RUN_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kvserver/cluster_process/process_cluster.h"
#include "kvserver/cluster_process/workload.h"

namespace kvserver::cluster_process {

struct RunOptions {
  WorkloadOptions workload;
  std::chrono::milliseconds faults_for{10'000};
  std::chrono::milliseconds ready_longest{30'000}, equal_longest{30'000};
};

struct RunReport {
  std::vector<std::string> problems;
  WorkloadCounts counts;
  std::map<std::string, int> faults;
  size_t keys = 0;
  std::chrono::milliseconds ready_after{0}, equal_after{0}, longest_recovery{0};

  std::string Text() const;
};

// The cluster runs, and is healed afterwards.
RunReport RunRandomly(ProcessCluster& cluster, const RunOptions& options);

// Heals, and compares what is there with what the clients were told; `workload` has stopped.
void CheckInTheEnd(ProcessCluster& cluster, const Workload& workload, const RunOptions& options,
                   RunReport* report);

}  // namespace kvserver::cluster_process

#endif  // TESTS_KVSERVER_CLUSTER_PROCESS_RANDOM_RUN_H_
