// The parts load, dead and lag: a cluster at work.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <thread>

#include "cluster_bench_parts.h"
#include "net/load.h"
#include "report.h"

namespace libkv::perf {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kSetKeys = 200'000;
constexpr uint64_t kGetKeys = 10'000;  // they are written by single requests first

struct Contender {
  std::string name;
  std::function<ServerCluster()> start;
  Dialect fill;  // for those that are read from
  Dialect dialect;
  bool goes_everywhere = false;  // connections to all nodes, else to the first port
};

struct Samples {
  std::vector<double> per_second, p50_us, p99_us, cpu_us;
};

std::vector<uint16_t> PortsOf(const Contender& contender, const ServerCluster& cluster) {
  if (contender.goes_everywhere) return cluster.ports;
  return {cluster.ports[0]};
}

void MeasureOne(const Contender& contender, int connections, double seconds, Samples* samples) {
  const ServerCluster cluster = contender.start();
  const std::vector<uint16_t> ports = PortsOf(contender, cluster);
  if (contender.fill.request) {
    constexpr double kLongest = 600;
    RunLoad(contender.fill, {.ports = {cluster.ports[0]},
                             .connections = 64,
                             .seconds = kLongest,
                             .operations_max = 3 * kGetKeys});
  }
  const double cpu = cluster.cpu_seconds();
  const LoadResult load =
      RunLoad(contender.dialect, {.ports = ports, .connections = connections, .seconds = seconds});
  samples->per_second.push_back(load.per_second());
  samples->p50_us.push_back(load.p50_us);
  samples->p99_us.push_back(load.p99_us);
  samples->cpu_us.push_back((cluster.cpu_seconds() - cpu) * 1e6 /
                            static_cast<double>(load.operations));
}

// The median of the ratios, round by round.
double Ratio(const std::vector<double>& ours, const std::vector<double>& theirs) {
  std::vector<double> ratios;
  for (size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i] / theirs[i]);
  return Summarise(ratios).median;
}

std::map<std::string, Samples> RunRow(const ClusterBench& bench, const std::string& row,
                                      int connections, const std::vector<Contender>& contenders) {
  std::map<std::string, Samples> samples;
  for (int round = 0; round < bench.rounds; ++round) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      const Contender& contender = contenders[(i + static_cast<size_t>(round)) % contenders.size()];
      MeasureOne(contender, connections, bench.seconds, &samples[contender.name]);
    }
  }
  for (const Contender& contender : contenders) {
    const Samples& s = samples[contender.name];
    bench.report.Row("load", row + " " + contender.name,
                     {{"per_second", s.per_second},
                      {"p50_us", s.p50_us},
                      {"p99_us", s.p99_us},
                      {"cpu_us", s.cpu_us}});
  }
  return samples;
}

void CompareSets(const ClusterBench& bench, int connections, std::map<std::string, Samples> all) {
  const Samples& ours = all["kvserver"];
  const std::string who = std::to_string(connections) + " clients: ";
  for (const std::string rival : {"redis", "etcd"}) {
    if (!all.contains(rival)) continue;
    const Samples& theirs = all[rival];
    const double p50 = Ratio(ours.p50_us, theirs.p50_us);
    const double speed = Ratio(ours.per_second, theirs.per_second);
    if (connections == 1) {
      const double limit = rival == "redis" ? 1 : 0.45;
      bench.report.Goal(who + "p50 over " + rival + "'s <= " + (rival == "redis" ? "1" : "0.45"),
                        p50, p50 <= limit);
    } else {
      const double limit = rival == "redis" ? 1 : 2;
      bench.report.Goal(who + "speed over " + rival + "'s >= " + (rival == "redis" ? "1" : "2"),
                        speed, speed >= limit);
    }
  }
}

}  // namespace

void MeasureLoadPart(const ClusterBench& bench) {
  const auto ours = [&] { return bench.StartOurs(); };
  const auto ours_at_one = [&] { return bench.StartOurs({"--read-level", "one"}); };
  const auto etcd = [&] { return StartEtcd(bench.etcd, bench.Place("etcd")); };
  const auto redis = [&] { return StartRedis(bench.redis, bench.Place("redis")); };
  const size_t bytes = ClusterBench::kValueBytes;
  for (const int connections : {1, 64}) {
    std::vector<Contender> sets = {{"kvserver", ours, {}, RespSet(kSetKeys, bytes)}};
    if (connections > 1) {
      sets.push_back({"kvserver-everywhere", ours, {}, RespSet(kSetKeys, bytes), true});
    }
    if (!bench.etcd.empty()) sets.push_back({"etcd", etcd, {}, EtcdPut(kSetKeys, bytes)});
    if (!bench.redis.empty()) {
      sets.push_back({"redis", redis, {}, RespSetAndWait(kSetKeys, bytes)});
    }
    CompareSets(bench, connections,
                RunRow(bench, "set-" + std::to_string(connections), connections, sets));
  }
  const Dialect fill = RespSet(kGetKeys, bytes), etcd_fill = EtcdPut(kGetKeys, bytes);
  std::vector<Contender> quorum = {{"kvserver", ours, fill, RespGet(kGetKeys)},
                                   {"kvserver-everywhere", ours, fill, RespGet(kGetKeys), true}};
  std::vector<Contender> one = {{"kvserver", ours_at_one, fill, RespGet(kGetKeys)}};
  if (!bench.etcd.empty()) {
    quorum.push_back({"etcd", etcd, etcd_fill, EtcdGet(kGetKeys, false)});
    one.push_back({"etcd", etcd, etcd_fill, EtcdGet(kGetKeys, true)});
  }
  if (!bench.redis.empty()) one.push_back({"redis", redis, fill, RespGet(kGetKeys)});
  RunRow(bench, "get-quorum-64", 64, quorum);
  RunRow(bench, "get-one-64", 64, one);
}

void MeasureDeadPart(const ClusterBench& bench) {
  std::vector<double> before, during, after, gaps, ratios;
  for (int round = 0; round < bench.rounds; ++round) {
    const ServerCluster cluster = bench.StartOurs();
    // Its clients are at the two that stay.
    const auto run = [&](double seconds) {
      return RunLoad(
          RespSet(kSetKeys, ClusterBench::kValueBytes),
          {.ports = {cluster.port(0), cluster.port(1)}, .connections = 64, .seconds = seconds});
    };
    before.push_back(run(bench.seconds).per_second());
    constexpr double kAtLeast = 4;
    const double seconds = std::max(2 * bench.seconds, kAtLeast);
    std::thread killer([&] {
      usleep(static_cast<useconds_t>(seconds / 4 * 1e6));
      cluster.servers[2]->Kill();
    });
    const LoadResult load = run(seconds);
    killer.join();
    during.push_back(load.per_second());
    gaps.push_back(load.longest_gap_ms);
    after.push_back(run(bench.seconds).per_second());
    ratios.push_back(after.back() / before.back());
  }
  bench.report.Row("dead", "one of three, set-64",
                   {{"before_per_second", before},
                    {"during_per_second", during},
                    {"after_per_second", after},
                    {"longest_gap_ms", gaps},
                    {"after_over_before", ratios}});
  const double ratio = Summarise(ratios).median, gap = Summarise(gaps).max;
  bench.report.Goal("speed with two of three >= 0.9 of that with three", ratio, ratio >= 0.9);
  bench.report.Goal("longest gap <= 1,500 ms", gap, gap <= 1'500);
}

void MeasureLagPart(const ClusterBench& bench) {
  constexpr int kLoad = 16;  // connections of others, meanwhile
  for (const bool is_loaded : {false, true}) {
    std::vector<double> p50, p99;
    for (int round = 0; round < bench.rounds; ++round) {
      const ServerCluster cluster = bench.StartOurs({"--read-level", "one"});
      LoadResult load;
      std::thread others([&] {
        if (!is_loaded) return;
        load = RunLoad(
            RespSet(kSetKeys, ClusterBench::kValueBytes),
            {.ports = {cluster.port(0)}, .connections = kLoad, .seconds = bench.seconds + 1});
      });
      AskingConnection writer(cluster.port(0), RespDialect({}));
      AskingConnection second(cluster.port(1), RespDialect({}));
      AskingConnection third(cluster.port(2), RespDialect({}));
      std::vector<double> lags;
      const Clock::time_point start = Clock::now();
      const auto since = [](Clock::time_point from) {
        return std::chrono::duration<double, std::milli>(Clock::now() - from).count();
      };
      for (uint64_t n = 0; since(start) < bench.seconds * 1e3; ++n) {
        const std::string value = std::to_string(n);
        std::string set, get;
        AppendResp(set, {"SET", "lag", value});
        AppendResp(get, {"GET", "lag"});
        std::string expected = "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
        writer.Ask(set);
        const Clock::time_point acknowledged = Clock::now();
        for (AskingConnection* const node : {&second, &third}) {
          while (node->Ask(get) != expected) continue;
          lags.push_back(since(acknowledged));
        }
      }
      others.join();
      std::sort(lags.begin(), lags.end());
      p50.push_back(lags[lags.size() / 2]);
      p99.push_back(lags[lags.size() * 99 / 100]);
    }
    bench.report.Row("lag", is_loaded ? "beside 16 writers" : "alone",
                     {{"p50_ms", p50}, {"p99_ms", p99}});
    const double worst = Summarise(p99).median;
    bench.report.Goal("p99 <= 50 ms", worst, worst <= 50);
  }
}

}  // namespace libkv::perf
