// Runs of the simulator without an end in sight:
//
//   sim_soak --first 1 --seeds 1000000 --steps 500 --nodes 3 [--mutant NAME] [--seconds S]
//
// Prints every violation with the command that shows it, and what the runs went through. The exit
// code is 1 if there was a violation; with a mutant, if there was none.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "sim/runner.h"

namespace {

using kvserver::sim::RunCounts;

void Print(const RunCounts& c, double seconds) {
  const auto line = [](const char* name, uint64_t count) {
    std::printf("  %-16s %12llu\n", name, static_cast<unsigned long long>(count));
  };
  std::printf("%.1f s, %.0f steps/s\n", seconds, static_cast<double>(c.steps) / seconds);
  line("runs", c.runs);
  line("steps", c.steps);
  line("writes", c.writes);
  line("acknowledged", c.acknowledged);
  line("units", c.units);
  line("increments", c.increments);
  line("quorum reads", c.quorum_reads);
  line("session reads", c.session_reads);
  line("messages", c.messages);
  line("lost messages", c.lost_messages);
  line("crashes", c.crashes);
  line("wipes", c.wipes);
  line("restores", c.restores);
  line("failed commits", c.failed_commits);
  line("failed reads", c.failed_reads);
  line("conflicts", c.conflicts);
  line("pulled objects", c.pulled_objects);
  line("range sessions", c.range_sessions);
  line("settled", c.settled);
  line("ms to heal, mean", c.runs == 0 ? 0 : c.healing_ms / c.runs);
}

}  // namespace

int main(int argc, char** argv) {
  kvserver::sim::Range range;
  range.seeds = 10'000;
  range.failures_max = 10;
  std::string mutant = "none";
  CLI::App app("Runs of the cluster simulator");
  app.add_option("--first", range.first_seed, "The first seed");
  app.add_option("--seeds", range.seeds, "How many seeds");
  app.add_option("--steps", range.steps, "Steps before the faults end");
  app.add_option("--nodes", range.nodes, "Nodes")->check(CLI::Range(1, 16));
  app.add_option("--mutant", mutant, "A planted fault");
  app.add_option("--seconds", range.seconds_max, "At most so long");
  app.add_option("--threads", range.threads, "Side by side");
  app.add_option("--failures", range.failures_max, "Stop after so many");
  CLI11_PARSE(app, argc, argv);
  if (!kvserver::sim::FindMutant(mutant, &range.mutant)) {
    std::fprintf(stderr, "sim_soak: no such mutant: %s\n", mutant.c_str());
    return 2;
  }
  const kvserver::sim::Outcome outcome = kvserver::sim::RunSeeds(range);
  for (const kvserver::sim::Failure& failure : outcome.failures) {
    std::printf("%s\n", kvserver::sim::Report(range, failure).c_str());
  }
  Print(outcome.counts, outcome.seconds);
  const bool is_expected = outcome.failures.empty() == (mutant == "none");
  return is_expected ? 0 : 1;
}
