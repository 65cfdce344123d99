#include "sim/profile.h"

namespace kvserver::sim {
namespace {

void Vary(Random& random, double& weight) {
  weight *= random.Of<double>({0, 0.25, 0.5, 1, 1, 1, 2, 4});
}

// What it takes for a planted fault to show, more often than in a mean run.
void Bend(Random& random, cluster::Mutant mutant, Profile& profile) {
  using cluster::Mutant;
  cluster::ReplicaOptions& options = profile.options;
  switch (mutant) {
    case Mutant::kRetireUnfenced:
      // Messages of runs that are over, while others settle them.
      profile.operation_ms = 4;
      profile.fault_ms = random.Of<double>({10, 20, 40});
      profile.crash = 8;
      profile.wipe = profile.restore = profile.skew = 0;
      profile.down_ms = 2;
      profile.tail = 0.3;
      profile.delay_ms = random.Of<double>({2, 8});
      profile.sync_ms = 1;
      profile.is_ordered = false;
      profile.one_way = profile.cut = 1;
      profile.mend = 8;
      options.heartbeat_ms = 10;
      options.idle_heartbeat_ms = 20;
      options.log_dots_max = 4'000'000;
      break;
    case Mutant::kUnsyncedStability:
    case Mutant::kAckBeforeSync:
      // Many crashes, and a disk that is late.
      profile.operation_ms = 4;
      profile.sync_ms = random.Of<double>({30, 60, 120});
      profile.delay_ms = random.Of<double>({0.5, 2});
      profile.fault_ms = random.Of<double>({20, 60});
      profile.power_cut = 2;
      profile.crash = 8;
      profile.wipe = 6;
      profile.restore = profile.skew = 0;
      profile.down_ms = 2;
      profile.one = profile.all = 0;
      profile.quorum_read = 12;
      options.log_dots_max = 4'000'000;
      options.heartbeat_ms = 10;
      options.write_timeout_ms = 1'000;
      break;
    case Mutant::kCounterFoldsUnsettled:
      profile.keys = 4;
      profile.operation_ms = 4;
      profile.increment = 20;
      profile.set = 2;
      profile.remove = 0.5;
      profile.crash = 8;
      profile.down_ms = 2;
      profile.drop = random.Of<double>({0.08, 0.3});
      profile.wipe = profile.restore = 0;
      profile.fault_ms = random.Of<double>({20, 40});
      break;
    case Mutant::kLeaveRecoveryUnsynced:
      profile.operation_ms = 4;
      profile.keys = random.Of<size_t>({4, 30});
      profile.wipe = 12;
      profile.power_cut = 2;
      profile.cut = profile.one_way = 0;
      profile.sync_ms = random.Of<double>({15, 60});
      profile.delay_ms = 0.5;
      profile.fault_ms = random.Of<double>({40, 100});
      profile.down_ms = 2;
      profile.tick_ms = 5;
      options.heartbeat_ms = 10;
      options.log_dots_max = 4'000'000;
      break;
    case Mutant::kNoRangeContext:
      profile.operation_ms = 3;
      profile.keys = 12;
      profile.remove = 6;
      profile.wipe = 6;
      profile.crash = 6;
      profile.drop = 0.08;
      profile.tail = 0.1;
      profile.tick_ms = 5;
      options.bucket_keys = 1;
      options.window_buckets = 1;
      options.log_dots_max = random.Of<size_t>({3, 10, 40});
      options.heartbeat_ms = 10;
      break;
    case Mutant::kContextInClock:
      profile.given = 10;
      profile.drop = random.Of<double>({0.08, 0.3});
      profile.operation_ms = 4;
      break;
    default:
      break;
  }
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
  profile.expire = random.Of<double>({0, 0, 0.1, 0.5});
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
        &profile.cut, &profile.one_way, &profile.mend, &profile.pause, &profile.deaf, &profile.skew,
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
  Bend(random, mutant, profile);
  return profile;
}

}  // namespace kvserver::sim
