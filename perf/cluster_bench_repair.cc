// The parts heal and rebuild: a node that was away, or has lost everything.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cluster_bench_parts.h"
#include "report.h"

namespace libkv::perf {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kAway = 2;  // the server that is
constexpr uint64_t kThere = 20'000;

void MeasureHeal(const ClusterBench& bench, uint64_t missing, bool is_killed) {
  std::vector<double> seconds, per_second, bytes_more, restart, cpu_us;
  const auto keys = static_cast<double>(missing);
  for (int round = 0; round < bench.rounds; ++round) {
    const ServerCluster cluster = bench.StartOurs();
    ServerProcess& away = *cluster.servers[kAway];
    WriteEach(cluster, 0, kThere, ClusterBench::kValueBytes);
    WaitUntilEqual(cluster);
    const uint64_t before = BytesWith(cluster, kAway);
    is_killed ? away.Kill() : away.Pause();
    WriteEach(cluster, kThere, missing, ClusterBench::kValueBytes, 64, 8);
    const double cpu = cluster.cpu_seconds();
    const Clock::time_point start = Clock::now();
    is_killed ? away.Start() : away.Resume();
    restart.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    seconds.push_back(WaitUntilEqual(cluster, start));
    cpu_us.push_back((cluster.cpu_seconds() - cpu) * 1e6 / keys);
    per_second.push_back(keys / seconds.back());
    bytes_more.push_back(static_cast<double>(BytesWith(cluster, kAway) - before) / keys -
                         static_cast<double>(ClusterBench::kPairBytes));
  }
  bench.report.Row(
      "heal",
      std::string(is_killed ? "killed" : "stopped") + ", " + std::to_string(missing) + " missing",
      {{"seconds", seconds},
       {"of_them_restart", restart},
       {"keys_per_second", per_second},
       {"bytes_more_per_key", bytes_more}});
  const double limit = 1 + keys / 100'000, median = Summarise(seconds).median;
  bench.report.Goal("seconds <= 1 + missing / 100,000", median, median <= limit);
}

}  // namespace

void MeasureHealPart(const ClusterBench& bench) {
  for (const uint64_t missing : bench.missing) {
    for (const bool is_killed : {true, false}) MeasureHeal(bench, missing, is_killed);
  }
}

void MeasureRebuildPart(const ClusterBench& bench) {
  constexpr size_t kValueBytes = 1'000, kDepth = 16;
  const uint64_t keys = bench.rebuild_megabytes * 1'000'000 / (16 + kValueBytes) / kDepth * kDepth;
  const double megabytes = static_cast<double>(keys * (16 + kValueBytes)) / 1e6;
  const ServerCluster cluster = bench.StartOurs();
  WriteEach(cluster, 0, keys, kValueBytes);
  WaitUntilEqual(cluster);
  std::vector<double> seconds, per_second, cpu_seconds, bytes_more;
  for (int round = 0; round < bench.rounds; ++round) {
    ServerProcess& away = *cluster.servers[kAway];
    away.Kill();
    away.RemoveData();
    const double cpu = cluster.cpu_seconds();
    const uint64_t bytes = BytesWith(cluster, kAway);
    const Clock::time_point start = Clock::now();
    away.Start();
    seconds.push_back(WaitUntilEqual(cluster, start));
    per_second.push_back(megabytes / seconds.back());
    cpu_seconds.push_back(cluster.cpu_seconds() - cpu);
    bytes_more.push_back(static_cast<double>(BytesWith(cluster, kAway) - bytes) /
                             static_cast<double>(keys) -
                         (16 + kValueBytes));
  }
  bench.report.Row("rebuild", std::to_string(bench.rebuild_megabytes) + " MB, values of 1,000 B",
                   {{"seconds", seconds},
                    {"mb_per_second", per_second},
                    {"cpu_seconds_of_all", cpu_seconds},
                    {"bytes_more_per_key", bytes_more}});
  const double median = Summarise(per_second).median;
  bench.report.Goal("MB/s >= 50", median, median >= 50);
}

}  // namespace libkv::perf
