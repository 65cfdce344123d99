#include "sim/profile.h"

namespace kvserver::sim {
namespace {

void Vary(Random& random, double& weight) {
  weight *= random.Of<double>({0, 0.25, 0.5, 1, 1, 1, 2, 4});
}

}  // namespace

Profile MakeProfile(Random& random, size_t nodes, cluster::Mutant mutant) {
  Profile profile;
  profile.nodes = nodes;
  profile.operation_ms = random.Of<double>({3, 6, 12, 25});
  profile.keys = random.Of<size_t>({1, 2, 4, 6, 12, 30});
  for (double* weight :
       {&profile.remove, &profile.blind, &profile.given, &profile.unit, &profile.increment,
        &profile.quorum_read, &profile.session_read, &profile.one, &profile.all}) {
    Vary(random, *weight);
  }
  profile.seal_late = random.Of<double>({0, 0.2, 0.6});
  profile.delay_ms = random.Of<double>({0.5, 2, 8, 25});
  profile.tail = random.Of<double>({0, 0.02, 0.1});
  profile.drop = random.Of<double>({0, 0.02, 0.08, 0.3});
  profile.duplicate = random.Of<double>({0, 0.05, 0.2});
  profile.is_ordered = random.Chance(0.3);
  profile.sync_ms = random.Of<double>({1, 4, 15, 60});
  profile.tick_ms = random.Of<int64_t>({5, 10, 20});

  profile.fault_ms = random.Of<double>({15, 40, 100, 300});
  for (double* weight :
       {&profile.crash, &profile.power_cut, &profile.wipe, &profile.backup, &profile.restore,
        &profile.cut, &profile.one_way, &profile.mend, &profile.pause, &profile.skew,
        &profile.commit_error, &profile.read_error}) {
    Vary(random, *weight);
  }
  profile.down_ms = random.Of<double>({2, 20, 100});
  profile.is_restore_silent = random.Chance(0.1);

  cluster::ReplicaOptions& options = profile.options;
  options.heartbeat_ms = random.Of<int64_t>({10, 20, 50});
  options.idle_heartbeat_ms = 2 * options.heartbeat_ms;
  options.write_timeout_ms = random.Of<int64_t>({100, 500});
  options.read_timeout_ms = random.Of<int64_t>({50, 200});
  options.step_timeout_ms = random.Of<int64_t>({30, 100});
  options.log_dots_max = random.Of<size_t>({3, 10, 40, 4'000'000, 4'000'000});
  options.extras_max = random.Of<size_t>({2, 8, 65'536});
  options.chunk_bytes = random.Of<size_t>({1, 100, 400, size_t{1} << 20});
  options.bucket_keys = random.Of<size_t>({1, 2, 8});
  options.window_buckets = random.Of<size_t>({1, 2, 8});
  (void)mutant;
  return profile;
}

}  // namespace kvserver::sim
