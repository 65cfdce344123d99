#include "kvserver/cluster_process/random_run.h"

#include "kvserver/cluster_process/contents.h"
#include "kvserver/cluster_process/nemesis.h"

namespace kvserver::cluster_process {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

}  // namespace

std::string RunReport::Text() const {
  std::string text =
      "acknowledged " + std::to_string(counts.acknowledged) + ", refused " +
      std::to_string(counts.refused) + ", unknown " + std::to_string(counts.unknown) +
      ", reads judged " + std::to_string(counts.reads) + ", pairs read " +
      std::to_string(counts.pairs_read) + ", deleted " + std::to_string(counts.deleted) +
      ", keys " + std::to_string(keys) + "; ready after " + std::to_string(ready_after.count()) +
      " ms, equal after " + std::to_string(equal_after.count()) + " ms, longest recovery " +
      std::to_string(longest_recovery.count()) + " ms; faults:";
  for (const auto& [name, count] : faults) text += " " + name + " " + std::to_string(count) + ",";
  text.back() = '\n';
  for (const std::string& problem : problems) text += "PROBLEM " + problem + "\n";
  return text;
}

void CheckInTheEnd(ProcessCluster& cluster, const Workload& workload, const RunOptions& options,
                   RunReport* report) {
  cluster.HealAll();
  const Clock::time_point healed = Clock::now();
  if (!cluster.WaitUntilReady(options.ready_longest)) {
    report->problems.push_back("some node is not ready, long after all was healed");
  }
  report->ready_after = std::chrono::duration_cast<milliseconds>(Clock::now() - healed);
  const Converged converged = WaitUntilEqual(cluster, Workload::Words(), options.equal_longest);
  report->equal_after = std::chrono::duration_cast<milliseconds>(Clock::now() - healed);
  report->keys = converged.contents.size();
  if (!converged.difference.empty()) report->problems.push_back(converged.difference);
  for (std::string& problem : workload.Check(converged.contents)) {
    report->problems.push_back(std::move(problem));
  }
  report->counts = workload.counts();
}

RunReport RunRandomly(ProcessCluster& cluster, const RunOptions& options) {
  RunReport report;
  Workload workload(cluster, options.workload);
  Nemesis nemesis(cluster, options.workload.seed, !options.workload.reads_at_quorum);
  const Clock::time_point end = Clock::now() + options.faults_for;
  workload.Start();
  while (Clock::now() < end && nemesis.problems().empty()) nemesis.Step();
  workload.Stop();
  report.problems = nemesis.problems();
  report.faults = nemesis.done();
  report.longest_recovery = nemesis.longest_recovery();
  CheckInTheEnd(cluster, workload, options, &report);
  return report;
}

}  // namespace kvserver::cluster_process
