// Clusters of real processes: what is promised in kvserver/doc/replication.md, under what machines
// and networks do. Longer: bin/cluster_soak.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include "kvserver/cluster_process/contents.h"
#include "kvserver/cluster_process/node_client.h"
#include "kvserver/cluster_process/process_cluster.h"
#include "kvserver/cluster_process/random_run.h"
#include "kvserver/cluster_process/workload.h"

namespace kvserver::cluster_process {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Another one each time; KV_TEST_SEED repeats what is chance in a run.
uint64_t Seed() {
  const char* const given = std::getenv("KV_TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  MESSAGE("KV_TEST_SEED=" << seed);
  return seed;
}

ClusterOptions Options(int nodes, const std::string& read_level) {
  return {.nodes = nodes, .arguments = {"--space", ":text", "--read-level", read_level}};
}

void RequireReady(ProcessCluster& cluster) {
  REQUIRE_MESSAGE(cluster.WaitUntilReady(seconds(30)), cluster.Logs());
}

void Judge(const ProcessCluster& cluster, const RunReport& report) {
  MESSAGE(report.Text());
  CHECK_MESSAGE(report.problems.empty(), cluster.Logs());
  CHECK(report.counts.acknowledged > 100);
}

RunReport RunFor(ProcessCluster& cluster, milliseconds faults_for, bool reads_at_quorum) {
  RunOptions options;
  options.faults_for = faults_for;
  options.workload.seed = Seed();
  options.workload.reads_at_quorum = reads_at_quorum;
  return RunRandomly(cluster, options);
}

// Writes "key0" ... with `value`, each acknowledged, through all nodes in turn.
void WriteKeys(const ProcessCluster& cluster, int count, const std::string& value) {
  NodeClient client(cluster, seconds(10));
  for (int i = 0; i < count; ++i) {
    const Answer answer =
        client.Set(i % cluster.size(), "key" + std::to_string(i), value + " " + std::to_string(i));
    REQUIRE_MESSAGE(answer.outcome == Outcome::kOk, answer.error);
  }
}

Contents EqualContents(const ProcessCluster& cluster) {
  const Converged converged = WaitUntilEqual(cluster, {}, seconds(30));
  CHECK_MESSAGE(converged.difference.empty(), converged.difference << cluster.Logs());
  return converged.contents;
}

}  // namespace

TEST_CASE(
    "acknowledged writes survive kills, cuts, pauses and lost disks, and quorum reads see them") {
  // Goal: the promises of level quorum. Method: random faults to a minority of three nodes, while
  // clients write everywhere and judge every read; in the end all nodes must be equal, on disk and
  // in what they find.
  ProcessCluster cluster(Options(3, "quorum"));
  cluster.StartAll();
  Judge(cluster, RunFor(cluster, seconds(15), true));
}

TEST_CASE("what was written together is seen together on any node at level one") {
  ProcessCluster cluster(Options(3, "one"));
  cluster.StartAll();
  Judge(cluster, RunFor(cluster, seconds(10), false));
}

TEST_CASE("five nodes lose nothing that was acknowledged while two of them have faults") {
  ProcessCluster cluster(Options(5, "quorum"));
  cluster.StartAll();
  Judge(cluster, RunFor(cluster, seconds(10), true));
}

TEST_CASE("a node that has lost its disk gets everything back, and no key that was deleted") {
  ProcessCluster cluster(Options(3, "one"));
  cluster.StartAll();
  RequireReady(cluster);
  WriteKeys(cluster, 300, "first");
  NodeClient client(cluster, seconds(10));
  EqualContents(cluster);
  // One node is away while keys are deleted; another one then loses its disk.
  cluster.Kill(2);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(client.Delete(0, "key" + std::to_string(i)).outcome == Outcome::kOk);
  }
  cluster.Start(2);
  RequireReady(cluster);
  cluster.Kill(0);
  cluster.Wipe(0);
  cluster.Start(0);
  RequireReady(cluster);
  const Contents contents = EqualContents(cluster);
  CHECK(contents.size() == 200);
  CHECK(!contents.contains("key99"));
  CHECK(contents.contains("key100"));
}

TEST_CASE("an old copy of a directory brings back no deleted key, told of it or not") {
  for (const bool is_told : {true, false}) {
    CAPTURE(is_told);
    ProcessCluster cluster(Options(3, "one"));
    cluster.StartAll();
    RequireReady(cluster);
    WriteKeys(cluster, 120, "first");
    EqualContents(cluster);
    cluster.Stop(1);
    cluster.SaveCopy(1);
    cluster.Start(1);
    RequireReady(cluster);
    NodeClient client(cluster, seconds(10));
    for (int i = 0; i < 60; ++i) {
      REQUIRE(client.Delete(i % 3, "key" + std::to_string(i)).outcome == Outcome::kOk);
    }
    for (int i = 60; i < 90; ++i) {
      REQUIRE(client.Set(1, "key" + std::to_string(i), "second").outcome == Outcome::kOk);
    }
    // What the node has told is remembered by the others; it takes them about a second.
    std::this_thread::sleep_for(milliseconds(1'500));
    cluster.Kill(1);
    cluster.RestoreCopy(1);
    if (is_told) {
      cluster.Start(1, {"--recover"});
    } else {
      cluster.Start(1);
    }
    RequireReady(cluster);
    const Contents contents = EqualContents(cluster);
    CHECK(contents.size() == 60);
    CHECK(contents.contains("key60"));
    if (contents.contains("key60")) CHECK(contents.at("key60") == "second");
  }
}

TEST_CASE("a copied directory is refused beside the node it was copied from, and as another node") {
  ProcessCluster cluster(Options(3, "quorum"));
  cluster.StartAll();
  RequireReady(cluster);
  WriteKeys(cluster, 30, "first");
  cluster.Stop(1);
  cluster.SaveCopy(1);
  cluster.Start(1);
  RequireReady(cluster);

  // As another node: it does not start.
  cluster.Kill(2);
  const std::string copy = cluster.directory(1) + ".copy";
  std::filesystem::rename(cluster.directory(2), cluster.directory(2) + ".own");
  std::filesystem::copy(copy, cluster.directory(2), std::filesystem::copy_options::recursive);
  const std::string said = cluster.StartRefused(2);
  CHECK_MESSAGE(said.find("the directory is that of node 2") != std::string::npos, said);
  cluster.Wipe(2);
  std::filesystem::rename(cluster.directory(2) + ".own", cluster.directory(2));
  cluster.Start(2);
  RequireReady(cluster);

  // As the same node: it is told why, and does nothing.
  ServerProcess second(cluster.ArgumentsOf(1, copy), copy + ".log");
  REQUIRE(second.WaitForPorts(seconds(20)));
  std::this_thread::sleep_for(seconds(2));
  const std::string why = second.Said();
  CHECK_MESSAGE(why.find("refuses") != std::string::npos, why);
  auto client = kvclient::Client::Connect(
      {.addresses = {"127.0.0.1:" + std::to_string(second.port())}, .resp_version = 2});
  REQUIRE(client.ok());
  const absl::Status answered = client->Get("key1").status();
  CHECK_MESSAGE(std::string(answered.message()).starts_with("TRYAGAIN"), answered.ToString());
  WriteKeys(cluster, 30, "second");  // all three go on
  second.Kill();
  CHECK(EqualContents(cluster).size() == 30);
}

TEST_CASE("a node that cannot write to its disk stops taking part, and nothing is lost") {
  ProcessCluster cluster(Options(3, "quorum"));
  cluster.StartAll();
  RequireReady(cluster);
  Workload workload(cluster, {.clients = 3, .seed = Seed()});
  workload.Start();
  std::this_thread::sleep_for(seconds(1));
  cluster.process(0).LimitFiles(4'096);
  std::this_thread::sleep_for(seconds(3));
  workload.Stop();
  NodeClient client(cluster, seconds(10));
  CHECK(client.Set(1, "later", "1").outcome == Outcome::kOk);
  CHECK(client.Set(0, "later", "2").outcome != Outcome::kOk);
  cluster.Kill(0);
  RunReport report;
  CheckInTheEnd(cluster, workload, {}, &report);
  Judge(cluster, report);
}

TEST_CASE("a node whose disk lies about its syncs loses nothing that a quorum acknowledged") {
  // Goal: a minority may lie. Method: one node acknowledges without syncing; it is killed, and the
  // end of its log is cut off, as a power cut would: a kill alone leaves what the system holds.
  ProcessCluster cluster(Options(3, "one"));
  cluster.Start(0, {"--debug", "--debug-skip-sync", "1"});
  cluster.StartAll();
  RequireReady(cluster);
  const uint64_t seed = Seed();
  std::mt19937_64 random(seed);
  Workload workload(cluster, {.clients = 3, .seed = seed, .reads_at_quorum = false});
  workload.Start();
  for (int i = 0; i < 4; ++i) {
    std::this_thread::sleep_for(seconds(1));
    cluster.Kill(0);
    if (i > 0) cluster.LoseTail(0, random() % 20'000);
    cluster.Start(0, {"--debug", "--debug-skip-sync", "1"});
    REQUIRE_MESSAGE(cluster.WaitUntilReady(0, seconds(30)), cluster.Logs());
  }
  workload.Stop();
  RunReport report;
  CheckInTheEnd(cluster, workload, {}, &report);
  Judge(cluster, report);
}

TEST_CASE("with one node of three dead clients go on; with two dead a write answers NOREPLICAS") {
  ProcessCluster cluster(Options(3, "quorum"));
  cluster.StartAll();
  RequireReady(cluster);
  NodeClient client(cluster, seconds(10));
  cluster.Kill(2);
  int64_t longest_us = 0;
  for (int i = 0; i < 200; ++i) {
    const Clock::time_point begin = Clock::now();
    const Answer answer = client.Set(i % 2, "key" + std::to_string(i), "value");
    CHECK_MESSAGE(answer.outcome == Outcome::kOk, answer.error);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
    longest_us = std::max<int64_t>(longest_us, took.count());
  }
  MESSAGE("the slowest write with a dead node took " << longest_us << " us");
  CHECK(longest_us < 1'500'000);

  cluster.Kill(1);
  const Clock::time_point begin = Clock::now();
  const Answer alone = client.Set(0, "alone", "value");
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
  CHECK(alone.outcome == Outcome::kUnknown);
  CHECK_MESSAGE(alone.error.starts_with("NOREPLICAS "), alone.error);
  CHECK(took < milliseconds(7'000));
  CHECK(client.Get(0, "key1").outcome != Outcome::kOk);

  // It was stored here, and spreads.
  cluster.HealAll();
  RequireReady(cluster);
  const Contents contents = EqualContents(cluster);
  CHECK(contents.size() == 201);
}

}  // namespace kvserver::cluster_process
