// The parts of cluster_bench: each measures one thing of a cluster and reports it.
#ifndef LIBKV_PERF_CLUSTER_BENCH_PARTS_H_
#define LIBKV_PERF_CLUSTER_BENCH_PARTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "net/cluster.h"

namespace libkv::perf {

// What was measured: a line for people, and one of JSON for programs.
class ClusterReport {
 public:
  // An empty path: no JSON.
  ClusterReport(std::string json_path, std::string command)
      : json_path_(std::move(json_path)), command_(std::move(command)) {}

  // Numbers of a row by their names, each of all rounds; the medians are printed.
  using Numbers = std::vector<std::pair<std::string, std::vector<double>>>;
  void Row(const std::string& part, const std::string& row, const Numbers& numbers) const;
  // Whether a goal was met.
  void Goal(const std::string& goal, double measured, bool is_met) const;

 private:
  const std::string json_path_, command_;
};

struct ClusterBench {
  static constexpr size_t kValueBytes = 100;
  static constexpr size_t kPairBytes = 16 + kValueBytes;

  double seconds = 2;
  int rounds = 3;
  std::vector<uint64_t> missing = {1'000, 100'000};  // keys, of the part heal
  size_t rebuild_megabytes = 200;
  std::string kvserver, etcd, redis;  // programs; empty: not there
  std::string directory;
  ClusterReport report;

  std::string Place(const std::string& name) const { return directory + "/" + name; }
  ServerCluster StartOurs(const std::vector<std::string>& options = {}) const {
    return StartKvservers(kvserver, Place("kvserver"), 3, options);
  }
};

// SETs and GETs beside the rivals, in turns.
void MeasureLoadPart(const ClusterBench& bench);
// One of three nodes is killed under load.
void MeasureDeadPart(const ClusterBench& bench);
// From an acknowledged SET until other nodes show it at level one.
void MeasureLagPart(const ClusterBench& bench);
// A node is away while keys are written, and comes back.
void MeasureHealPart(const ClusterBench& bench);
// What nodes tell each other when nothing happens.
void MeasureIdlePart(const ClusterBench& bench);
// What replication adds to disk and log; until a delete leaves nothing.
void MeasureBytesPart(const ClusterBench& bench);
// What DottedDB is measured by.
void MeasureAxesPart(const ClusterBench& bench);
// A node begins again with an empty directory.
void MeasureRebuildPart(const ClusterBench& bench);

// So many SETs of different keys, the first with the number `first`, at the first node.
void WriteEach(const ServerCluster& cluster, uint64_t first, uint64_t keys, size_t value_bytes,
               int connections = 64, int depth = 16);

// What the nodes before this one, the last, have exchanged with it, as they count it.
uint64_t BytesWith(const ServerCluster& cluster, size_t last);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_CLUSTER_BENCH_PARTS_H_
