// The parts idle and bytes: what replication costs when nothing happens, and on disk.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "cluster_bench_parts.h"
#include "net/load.h"
#include "report.h"

namespace libkv::perf {
namespace {

using Clock = std::chrono::steady_clock;

// Up to the zeros at the end, over which later writes are written.
uint64_t WrittenBytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string log(std::istreambuf_iterator<char>(in), {});
  return log.find_last_not_of('\0') + 1;
}

// The files of the log: numbers with that ending. The store keeps a diary of another name.
uint64_t LogBytes(const ServerProcess& server) {
  uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(server.directory() + "/store")) {
    const std::string name = file.path().filename();
    if (name.ends_with(".log") && name[0] >= '0' && name[0] <= '9')
      bytes += WrittenBytes(file.path());
  }
  return bytes;
}

struct LogGrowth {
  double at_writer = 0, at_replica = 0;  // bytes per key
};

LogGrowth MeasureLog(const ServerCluster& cluster, size_t value_bytes, int connections) {
  constexpr uint64_t kKeys = 5'000;
  const size_t last = cluster.servers.size() - 1;
  const uint64_t writer = LogBytes(*cluster.servers[0]);
  const uint64_t replica = LogBytes(*cluster.servers[last]);
  WriteEach(cluster, 0, kKeys, value_bytes, connections, 1);
  // What follows the writes belongs to them: dots leave the log of writes again.
  const Clock::time_point end = Clock::now() + std::chrono::seconds(20);
  while (cluster.servers.size() > 1 && Clock::now() < end) {
    WaitUntilEqual(cluster);
    if (ReadKvStatus(cluster.port(0)).log_dots + ReadKvStatus(cluster.port(last)).log_dots == 0) {
      break;
    }
    usleep(50'000);
  }
  const auto per_key = [](uint64_t before, uint64_t after) {
    return static_cast<double>(after - before) / static_cast<double>(kKeys);
  };
  return {per_key(writer, LogBytes(*cluster.servers[0])),
          per_key(replica, LogBytes(*cluster.servers[last]))};
}

void CompareLogs(const ClusterBench& bench, size_t value_bytes, int connections) {
  std::vector<double> alone, writer, replica, more, replica_more;
  for (int round = 0; round < bench.rounds; ++round) {
    alone.push_back(MeasureLog(StartKvservers(bench.kvserver, bench.Place("alone"), 1), value_bytes,
                               connections)
                        .at_writer);
    const LogGrowth growth = MeasureLog(bench.StartOurs(), value_bytes, connections);
    writer.push_back(growth.at_writer);
    replica.push_back(growth.at_replica);
    more.push_back((writer.back() / alone.back() - 1) * 100);
    replica_more.push_back((replica.back() / alone.back() - 1) * 100);
  }
  bench.report.Row("bytes",
                   "log, " + std::to_string(value_bytes) + " B, " + std::to_string(connections) +
                       (connections == 1 ? " client" : " clients"),
                   {{"alone_per_key", alone},
                    {"writer_per_key", writer},
                    {"replica_per_key", replica},
                    {"writer_more_percent", more},
                    {"replica_more_percent", replica_more}});
  const double limit = value_bytes < 1'000 ? 25 : 4;
  const double median = std::max(Summarise(more).median, Summarise(replica_more).median);
  bench.report.Goal(value_bytes < 1'000 ? "more log <= 25 %" : "more log <= 4 %", median,
                    median <= limit);
}

double DiskBytesPerKey(const ServerCluster& cluster, uint64_t keys) {
  WriteEach(cluster, 0, keys, ClusterBench::kValueBytes);
  if (cluster.servers.size() > 1) {
    WaitUntilEqual(cluster);
    sleep(3);  // dots leave the log of writes
  }
  AskWords(cluster.port(0), {"KV.COMPACT"});
  return static_cast<double>(ReadKvStat(cluster.port(0), "disk_bytes")) / static_cast<double>(keys);
}

void MeasureDisk(const ClusterBench& bench) {
  constexpr uint64_t kKeys = 200'000;
  std::vector<double> alone, clustered, more;
  for (int round = 0; round < bench.rounds; ++round) {
    alone.push_back(
        DiskBytesPerKey(StartKvservers(bench.kvserver, bench.Place("alone"), 1), kKeys));
    clustered.push_back(DiskBytesPerKey(bench.StartOurs(), kKeys));
    more.push_back(clustered.back() - alone.back());
  }
  bench.report.Row("bytes", "disk, 100 B, compacted",
                   {{"alone_per_key", alone}, {"cluster_per_key", clustered}, {"more", more}});
}

void MeasurePurge(const ClusterBench& bench) {
  std::vector<double> seconds;
  const ServerCluster cluster = bench.StartOurs();
  for (int round = 0; round < bench.rounds; ++round) {
    AskWords(cluster.port(0), {"SET", "deleted", "v"});
    WaitUntilEqual(cluster);
    const Clock::time_point start = Clock::now();
    AskWords(cluster.port(0), {"DEL", "deleted"});
    const auto has_dots = [&] {
      return std::any_of(cluster.ports.begin(), cluster.ports.end(),
                         [](uint16_t port) { return ReadKvStatus(port).log_dots > 0; });
    };
    while (has_dots()) usleep(2'000);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  bench.report.Row("bytes", "a delete leaves nothing", {{"seconds", seconds}});
}

}  // namespace

void MeasureIdlePart(const ClusterBench& bench) {
  constexpr unsigned kSettle = 5, kSilence = 10;
  constexpr uint64_t kKeys = 20'000;
  const ServerCluster cluster = bench.StartOurs();
  WriteEach(cluster, 0, kKeys, ClusterBench::kValueBytes);
  WaitUntilEqual(cluster);
  sleep(kSettle);
  std::map<std::pair<size_t, uint64_t>, uint64_t> before;
  std::vector<ServerProcess::Reads> reads;
  for (size_t i = 0; i < cluster.servers.size(); ++i) {
    for (const KvPeer& peer : ReadKvStatus(cluster.port(i)).peers) {
      before[{i + 1, peer.node_id}] = peer.bytes;
    }
  }
  for (const auto& server : cluster.servers) reads.push_back(server->reads());
  const double cpu = cluster.cpu_seconds();
  sleep(kSilence);
  const double cpu_share =
      (cluster.cpu_seconds() - cpu) / kSilence / static_cast<double>(cluster.servers.size());
  std::vector<double> per_pair, disk, calls;
  for (size_t i = 0; i < cluster.servers.size(); ++i) {
    const ServerProcess::Reads now = cluster.servers[i]->reads();
    disk.push_back(static_cast<double>(now.disk_bytes - reads[i].disk_bytes));
    calls.push_back(static_cast<double>(now.call_bytes - reads[i].call_bytes) / kSilence);
  }
  for (size_t i = 0; i < cluster.servers.size(); ++i) {
    for (const KvPeer& peer : ReadKvStatus(cluster.port(i)).peers) {
      if (peer.node_id < i + 1) continue;  // once per pair
      per_pair.push_back(static_cast<double>(peer.bytes - before[{i + 1, peer.node_id}]) /
                         kSilence);
    }
  }
  bench.report.Row("idle", "10 s of silence",
                   {{"bytes_per_second_and_pair", per_pair},
                    {"bytes_from_disk", disk},
                    {"bytes_by_read_calls_per_s", calls},
                    {"cpu_percent_per_node", {cpu_share * 100}}});
  const double most = Summarise(per_pair).max, from_disk = Summarise(disk).max;
  bench.report.Goal("bytes per second and pair <= 100", most, most <= 100);
  bench.report.Goal("bytes from disk = 0", from_disk, from_disk == 0);
}

void MeasureBytesPart(const ClusterBench& bench) {
  MeasureDisk(bench);
  for (const size_t value_bytes : {size_t{100}, size_t{1'000}}) {
    for (const int connections : {1, 64}) CompareLogs(bench, value_bytes, connections);
  }
  MeasurePurge(bench);
}

}  // namespace libkv::perf
