// The part axes: what DottedDB was measured by ("DottedDB: Anti-Entropy without Merkle Trees,
// Deletes without Tombstones", SRDS 2017): five nodes, one of which hears nothing for a while; how
// long each key takes to be repaired, until what causality keeps is gone, and what is told for it.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "cluster_bench_parts.h"
#include "net/load.h"

namespace libkv::perf {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kNodes = 5, kAway = kNodes - 1;
constexpr uint64_t kThere = 4'000, kMissing = 2'000, kDeleted = 200;
constexpr uint64_t kLookedAt = 50;  // of the missing keys, evenly

double MsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

bool IsThere(uint16_t port, const std::string& key) {
  const auto words = AskWords(port, {"KV.WITH", "READ", "one", "DO", "EXISTS", key});
  return words.size() == 1 && words[0] == "1";
}

// Of the keys looked at, ascending: milliseconds since `start` until the node shows them.
std::vector<double> AwaitEach(uint16_t port, Clock::time_point start) {
  std::vector<std::string> left;
  for (uint64_t i = 0; i < kLookedAt; ++i) {
    left.push_back(EachKey(kThere + i * (kMissing / kLookedAt)));
  }
  std::vector<double> took;
  while (!left.empty()) {
    std::erase_if(left, [&](const std::string& key) {
      if (!IsThere(port, key)) return false;
      took.push_back(MsSince(start));
      return true;
    });
  }
  return took;
}

double AwaitEmptyLogs(const ServerCluster& cluster, Clock::time_point start) {
  const auto has_dots = [&] {
    return std::any_of(cluster.ports.begin(), cluster.ports.end(),
                       [](uint16_t port) { return ReadKvStatus(port).log_dots > 0; });
  };
  while (has_dots()) usleep(5'000);
  return MsSince(start);
}

}  // namespace

void MeasureAxesPart(const ClusterBench& bench) {
  std::vector<double> p50, p99, last, stripped, more, hits, intervals;
  for (int round = 0; round < bench.rounds; ++round) {
    const ServerCluster cluster = StartKvservers(bench.kvserver, bench.Place("kvserver"), kNodes);
    ServerProcess& away = *cluster.servers[kAway];
    WriteEach(cluster, 0, kThere, ClusterBench::kValueBytes);
    WaitUntilEqual(cluster);
    const uint64_t before = BytesWith(cluster, kAway);
    away.Kill();
    WriteEach(cluster, kThere, kMissing, ClusterBench::kValueBytes);
    for (uint64_t i = 0; i < kDeleted; ++i) {
      const std::string key = EachKey(i);
      AskWords(cluster.port(0), {"DEL", key});
    }
    away.Start();
    const Clock::time_point start = Clock::now();
    const std::vector<double> took = AwaitEach(cluster.port(kAway), start);
    p50.push_back(took[took.size() / 2]);
    p99.push_back(took[took.size() * 99 / 100]);
    last.push_back(WaitUntilEqual(cluster, start) * 1e3);
    stripped.push_back(AwaitEmptyLogs(cluster, start));
    const KvStatus status = ReadKvStatus(cluster.port(kAway));
    constexpr auto kWrites = static_cast<double>(kMissing + kDeleted);
    hits.push_back(kWrites * 100 / static_cast<double>(std::max<uint64_t>(status.pulled, 1)));
    more.push_back((static_cast<double>(BytesWith(cluster, kAway) - before) -
                    static_cast<double>(kMissing * ClusterBench::kPairBytes)) /
                   kWrites);
    intervals.push_back(static_cast<double>(status.clock_intervals));
  }
  bench.report.Row("axes", "five nodes, one hears nothing",
                   {{"repair_p50_ms", p50},
                    {"repair_p99_ms", p99},
                    {"all_equal_ms", last},
                    {"causality_stripped_ms", stripped},
                    {"hit_percent", hits},
                    {"bytes_more_per_write", more},
                    {"clock_entries", intervals}});
}

}  // namespace libkv::perf
