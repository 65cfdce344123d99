// Many runs, side by side.
#ifndef LIBKV_TESTS_SIM_RUNNER_H_
#define LIBKV_TESTS_SIM_RUNNER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/mutant.h"
#include "sim/simulation.h"

namespace kvserver::sim {

struct Range {
  uint64_t first_seed = 1;
  uint64_t seeds = 1;
  size_t nodes = 3;
  size_t steps = 500;
  cluster::Mutant mutant = cluster::Mutant::kNone;
  double seconds_max = 0;  // 0: as long as it takes
  size_t threads = 2;
  size_t failures_max = 1;  // then it ends
};

struct Failure {
  uint64_t seed = 0;
  std::string violation;
};

struct Outcome {
  std::vector<Failure> failures;  // by seed
  RunCounts counts;
  double seconds = 0;
};

// Each seed by itself; which thread has run it does not matter.
Outcome RunSeeds(const Range& range);

// One line: what was violated, and the command that shows it.
std::string Report(const Range& range, const Failure& failure);

struct MutantName {
  cluster::Mutant mutant;
  const char* name;
};
const std::vector<MutantName>& MutantNames();
std::string_view NameOf(cluster::Mutant mutant);
// False: no such name.
bool FindMutant(std::string_view name, cluster::Mutant* mutant);

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_RUNNER_H_
