// What a run is like: how often clients write, how bad the network is, which faults happen. Each
// seed has its own ("swarm testing": a mean of everything hides what only a lot of one thing
// shows).
#ifndef LIBKV_TESTS_SIM_PROFILE_H_
#define LIBKV_TESTS_SIM_PROFILE_H_

#include <cstddef>
#include <cstdint>

#include "cluster/mutant.h"
#include "cluster/replica.h"
#include "sim/random.h"

namespace kvserver::sim {

struct Profile {
  size_t nodes = 3;

  // Clients. The mean time between two operations, and weights of their kinds.
  double operation_ms = 10;
  size_t keys = 6;
  double set = 6, remove = 3, blind = 1, given = 2, unit = 2, increment = 2;
  double quorum_read = 4, session_read = 4;
  double one = 1, quorum = 4, all = 1;  // levels
  double vector = 0.1;                  // part of the values
  double expire = 0.1;                  // part of the values; half of those within the run
  double seal_late = 0.2;               // transactions that wait for more to join

  // Network: a delay of its mean, and with `tail` one ten times as long.
  double delay_ms = 2;
  double tail = 0.02;
  double drop = 0.02, duplicate = 0.02;
  bool is_ordered = false;  // as one connection would deliver

  double sync_ms = 3;
  int64_t tick_ms = 10;

  // Faults: the mean time between two, and weights of their kinds.
  double fault_ms = 60;
  double crash = 4, power_cut = 1, wipe = 1, backup = 1, restore = 1, cut = 2, one_way = 1,
         mend = 3;
  double pause = 1, deaf = 0.5, skew = 0.5, commit_error = 0.5, read_error = 0.5;
  double down_ms = 40, deaf_ms = 60;
  bool is_restore_silent = false;  // nobody tells the replica that its disk is an old copy

  cluster::ReplicaOptions options;  // without self and members
};

// With a mutant the profile is bent towards where that one shows.
Profile MakeProfile(Random& random, size_t nodes, cluster::Mutant mutant);

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_PROFILE_H_
