// cluster_bench: three kvservers beside other replicated databases, and what replication costs.
//
//   cluster_bench [--parts load,dead,lag,heal,idle,bytes,rebuild,axes] [--seconds 2] [--rounds 3]
//                 [--dir FOLDER] [--json FILE]
//
// All nodes and the client share one machine. Every sample starts fresh nodes; the databases take
// turns within a round, and the order changes every round.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cluster_bench_parts.h"
#include "net/load.h"
#include "report.h"
#include "support/loopback.h"

namespace libkv::perf {
namespace {

struct Part {
  std::string name;
  void (*measure)(const ClusterBench& bench);
};

const std::vector<Part>& Parts() {
  static const std::vector<Part> parts = {
      {"load", MeasureLoadPart},       {"dead", MeasureDeadPart}, {"lag", MeasureLagPart},
      {"heal", MeasureHealPart},       {"idle", MeasureIdlePart}, {"bytes", MeasureBytesPart},
      {"rebuild", MeasureRebuildPart}, {"axes", MeasureAxesPart}};
  return parts;
}

std::string FindRival(const std::string& name, bool is_alone) {
  const std::string file = is_alone ? "" : FindProgram(name);
  if (file.empty()) std::printf("%s is left out: not installed, or --alone\n", name.c_str());
  return file;
}

}  // namespace

void ClusterReport::Row(const std::string& part, const std::string& row,
                        const Numbers& numbers) const {
  std::printf("%-8s %-28s", part.c_str(), row.c_str());
  nlohmann::json json = {{"part", part},
                         {"row", row},
                         {"command", command_},
                         {"cpus", std::thread::hardware_concurrency()}};
  for (const auto& [name, samples] : numbers) {
    const Summary summary = Summarise(samples);
    std::printf("  %s %.*f", name.c_str(), summary.median < 100 ? 2 : 0, summary.median);
    if (samples.size() > 1) {
      std::printf(" (%.*f .. %.*f)", summary.median < 100 ? 2 : 0, summary.min,
                  summary.median < 100 ? 2 : 0, summary.max);
    }
    json["numbers"][name] = {{"median", summary.median}, {"samples", samples}};
  }
  std::printf("\n");
  std::fflush(stdout);
  if (!json_path_.empty()) std::ofstream(json_path_, std::ios::app) << json.dump() << "\n";
}

void ClusterReport::Goal(const std::string& goal, double measured, bool is_met) const {
  std::printf("    %s: %s: %.3g\n", is_met ? "met" : "MISSED", goal.c_str(), measured);
  std::fflush(stdout);
  if (json_path_.empty()) return;
  const nlohmann::json json = {{"goal", goal}, {"measured", measured}, {"is_met", is_met}};
  std::ofstream(json_path_, std::ios::app) << json.dump() << "\n";
}

void WriteEach(const ServerCluster& cluster, uint64_t first, uint64_t keys, size_t value_bytes,
               int connections, int depth) {
  constexpr double kLongest = 600;
  const uint64_t round = static_cast<uint64_t>(depth);
  if (keys % round != 0) throw std::logic_error("whole pipelines only");
  RunLoad(RespSetEach(value_bytes), {.ports = {cluster.port(0)},
                                     .connections = connections,
                                     .depth = depth,
                                     .seconds = kLongest,
                                     .first = first,
                                     .operations_max = keys});
}

uint64_t BytesWith(const ServerCluster& cluster, size_t last) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < last; ++i) {
    for (const KvPeer& peer : ReadKvStatus(cluster.port(i)).peers) {
      if (peer.node_id == last + 1) bytes += peer.bytes;
    }
  }
  return bytes;
}

}  // namespace libkv::perf

int main(int argc, char** argv) {
  using libkv::perf::Parts;
  CLI::App app("kvserver's clusters beside others, and what replication costs.");
  libkv::perf::ClusterBench bench{.report = {"", ""}};
  std::string json, directory = std::filesystem::temp_directory_path();
  std::vector<std::string> names;
  bool is_alone = false;
  double seconds = bench.seconds;
  int rounds = bench.rounds;
  size_t megabytes = bench.rebuild_megabytes;
  app.add_option("--parts", names, "Only these: load, dead, lag, heal, idle, bytes, rebuild, axes")
      ->delimiter(',');
  app.add_option("--seconds", seconds, "Of one sample")->capture_default_str();
  app.add_option("--rounds", rounds, "Samples of each")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--rebuild-megabytes", megabytes, "Keys and values of the part rebuild")
      ->capture_default_str();
  app.add_option("--dir", directory, "Where the nodes keep their data: the disk counts")
      ->capture_default_str();
  app.add_option("--json", json, "Appends a line per row to this file");
  app.add_flag("--alone", is_alone, "Without rivals");
  CLI11_PARSE(app, argc, argv);
  std::string command;
  for (int i = 0; i < argc; ++i) command += (i > 0 ? " " : "") + std::string(argv[i]);
  for (const std::string& name : names) {
    if (std::none_of(Parts().begin(), Parts().end(),
                     [&](const auto& part) { return part.name == name; })) {
      std::fprintf(stderr, "cluster_bench: there is no part %s\n", name.c_str());
      return 1;
    }
  }
  const std::filesystem::path self = std::filesystem::canonical("/proc/self/exe");
  try {
    const libkv::perf::ClusterBench chosen = {
        .seconds = seconds,
        .rounds = rounds,
        .rebuild_megabytes = megabytes,
        .kvserver = self.parent_path().parent_path() / "kvserver",
        .etcd = libkv::perf::FindRival("etcd", is_alone),
        .redis = libkv::perf::FindRival("redis-server", is_alone),
        .directory = directory + "/cluster_bench-" + std::to_string(getpid()),
        .report = {json, command}};
    for (const auto& part : Parts()) {
      if (!names.empty() && std::find(names.begin(), names.end(), part.name) == names.end()) {
        continue;
      }
      part.measure(chosen);
    }
    std::filesystem::remove_all(chosen.directory);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cluster_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
