// Runs clusters of real processes under random faults for as long as it is told to.
//
//   cluster_soak [--minutes N] [--seed S] [--nodes N] [--round-seconds N] [--clients N]
//
// Each round has a seed of its own, which is printed before it begins: it decides the faults and
// what the clients ask, though not how the processes and threads interleave. Every tenth round
// begins with new directories. Reads are at quorum in one such series and at level one in the next.
// Ends at the first broken promise, with the logs of all nodes, and answers 1.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <exception>
#include <memory>
#include <random>

#include "kvserver/cluster_process/random_run.h"

namespace kvserver::cluster_process {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRoundsPerCluster = 10;

struct SoakOptions {
  double minutes = 10;
  uint64_t seed = 0;
  int nodes = 3, clients = 4, round_seconds = 20;
};

int Soak(const SoakOptions& options) {
  const auto end = Clock::now() + std::chrono::duration<double>(options.minutes * 60);
  std::mt19937_64 random(options.seed);
  std::unique_ptr<ProcessCluster> cluster;
  bool reads_at_quorum = false;
  WorkloadCounts all;
  int rounds = 0;
  for (; Clock::now() < end; ++rounds) {
    if (rounds % kRoundsPerCluster == 0) {
      reads_at_quorum = !reads_at_quorum;
      cluster.reset();
      cluster = std::make_unique<ProcessCluster>(ClusterOptions{
          .nodes = options.nodes,
          .arguments = {"--space", ":text", "--read-level", reads_at_quorum ? "quorum" : "one"}});
      cluster->StartAll();
    }
    RunOptions run;
    run.faults_for = std::chrono::seconds(options.round_seconds);
    run.workload.clients = options.clients;
    run.workload.seed = random();
    run.workload.reads_at_quorum = reads_at_quorum;
    run.workload.name = "w" + std::to_string(rounds);
    std::printf("round %d  seed %" PRIu64 "  reads at %s\n", rounds, run.workload.seed,
                reads_at_quorum ? "quorum" : "one");
    std::fflush(stdout);
    const RunReport report = RunRandomly(*cluster, run);
    std::printf("%s", report.Text().c_str());
    for (int node = 0; node < cluster->size(); ++node) {
      std::printf("%s%" PRId64, node == 0 ? "MiB resident: " : ", ",
                  cluster->process(node).resident_bytes() >> 20);
    }
    std::printf("\n");
    std::fflush(stdout);
    all.acknowledged += report.counts.acknowledged;
    if (!report.problems.empty()) {
      std::printf("%s", cluster->Logs(20'000).c_str());
      return 1;
    }
  }
  std::printf("rounds %d  acknowledged %" PRIu64 "\n", rounds, all.acknowledged);
  return all.acknowledged > 0 ? 0 : 1;
}

}  // namespace
}  // namespace kvserver::cluster_process

int main(int argc, char** argv) {
  CLI::App app("Clusters of real processes under random faults");
  kvserver::cluster_process::SoakOptions options;
  options.seed = std::random_device{}();
  app.add_option("--minutes", options.minutes, "How long")->capture_default_str();
  app.add_option("--seed", options.seed, "Of everything that is chance");
  app.add_option("--nodes", options.nodes, "3 or 5")
      ->check(CLI::Range(3, 7))
      ->capture_default_str();
  app.add_option("--clients", options.clients, "Threads that write and read")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--round-seconds", options.round_seconds, "Of faults, before all is compared")
      ->check(CLI::Range(1, 3'600))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::printf("seed %" PRIu64 "\n", options.seed);
  try {
    return kvserver::cluster_process::Soak(options);
  } catch (const std::exception& error) {
    std::printf("cluster_soak: %s\n", error.what());
    return 2;
  }
}
