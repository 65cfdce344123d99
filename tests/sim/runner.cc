#include "sim/runner.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

namespace kvserver::sim {

using cluster::Mutant;

Outcome RunSeeds(const Range& range) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  const auto seconds = [begin] {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  cluster::active_mutant = range.mutant;
  Outcome outcome;
  std::mutex mutex;  // guards outcome
  std::atomic<uint64_t> next{0};
  const auto work = [&] {
    RunCounts counts;
    for (;;) {
      const uint64_t i = next.fetch_add(1);
      if (i >= range.seeds || (range.seconds_max > 0 && seconds() > range.seconds_max)) break;
      RunOptions options;
      options.seed = range.first_seed + i;
      options.nodes = range.nodes;
      options.steps = range.steps;
      options.mutant = range.mutant;
      Simulation simulation(options);
      const std::string violation = simulation.Run();
      counts.Add(simulation.counts());
      if (violation.empty()) continue;
      const std::lock_guard lock(mutex);
      outcome.failures.push_back({options.seed, violation});
      if (outcome.failures.size() >= range.failures_max) next = range.seeds;
    }
    const std::lock_guard lock(mutex);
    outcome.counts.Add(counts);
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < range.threads; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  cluster::active_mutant = Mutant::kNone;
  std::sort(outcome.failures.begin(), outcome.failures.end(),
            [](const Failure& a, const Failure& b) { return a.seed < b.seed; });
  outcome.seconds = seconds();
  return outcome;
}

std::string Report(const Range& range, const Failure& failure) {
  const Range usual;
  std::string line = failure.violation + "  -> sim_test --seed " + std::to_string(failure.seed);
  if (range.nodes != usual.nodes) line += " --nodes " + std::to_string(range.nodes);
  if (range.steps != usual.steps) line += " --steps " + std::to_string(range.steps);
  if (range.mutant != Mutant::kNone) line += " --mutant " + std::string(NameOf(range.mutant));
  return line + " --trace";
}

const std::vector<MutantName>& MutantNames() {
  static const std::vector<MutantName> names = {
      {Mutant::kReusedActor, "reused_actor"},
      {Mutant::kContextInClock, "context_in_clock"},
      {Mutant::kRecoveringAsNormal, "recovering_as_normal"},
      {Mutant::kRetireUnfenced, "retire_unfenced"},
      {Mutant::kFenceOwnSlotOnly, "fence_own_slot_only"},
      {Mutant::kLastWriterInMerge, "last_writer_in_merge"},
      {Mutant::kUnsyncedStability, "unsynced_stability"},
      {Mutant::kNoCompletenessCheck, "no_completeness_check"},
      {Mutant::kAckBeforeSync, "ack_before_sync"},
      {Mutant::kKilledNotRemembered, "killed_not_remembered"},
      {Mutant::kUnitSplit, "unit_split"},
      {Mutant::kCounterFoldsUnsettled, "counter_folds_unsettled"},
      {Mutant::kLeaveRecoveryUnsynced, "leave_recovery_unsynced"},
      {Mutant::kTellRecoveryUnsynced, "tell_recovery_unsynced"},
      {Mutant::kNoRangeContext, "no_range_context"},
  };
  return names;
}

std::string_view NameOf(Mutant mutant) {
  for (const MutantName& name : MutantNames()) {
    if (name.mutant == mutant) return name.name;
  }
  return "none";
}

bool FindMutant(std::string_view name, Mutant* mutant) {
  for (const MutantName& known : MutantNames()) {
    if (known.name != name) continue;
    *mutant = known.mutant;
    return true;
  }
  *mutant = Mutant::kNone;
  return name == "none";
}

}  // namespace kvserver::sim
