// Schedules that chance does not find. Each is played with three nodes under the active mutant, and
// answers what it violates; "": nothing.
#ifndef LIBKV_TESTS_SIM_PLAYED_H_
#define LIBKV_TESTS_SIM_PLAYED_H_

#include <string>

namespace kvserver::sim {

// What a run that is over has relayed of another run that is over comes last of all.
//
//   1. Node 1 writes. Only node 2 hears of it, and nobody has it on disk yet.
//   2. Node 1 dies, without the write, and comes back as a new run, of which all hear.
//   3. Node 3 asks node 2 for the key. The answer is under way.
//   4. Node 2 dies, without the write, and comes back as a new run, of which only node 1 hears.
//   5. Nodes 1 and 2 do not have the write; node 3 says the same. So may node 1 settle its old run?
//      Not as long as node 3 does not know that node 2's old run is over:
//   6. The answer comes to node 3, and has the write.
std::string PlayLateAnswer();

// Two failures, one after the other, of a node that recovers.
//
//   1. Node 1 writes. Nodes 1 and 2 have it on disk, so it is acknowledged. Node 3 hears nothing.
//   2. Node 1 loses its disk, and gets all back. Its disk is slow: nothing of that is synced.
//   3. As soon as node 1 says that it has recovered, node 2 loses its disk.
//   4. Node 1 loses its power. Only what it had synced can still have the write.
std::string PlayUnsyncedRecovery();

// A node that has lost writes dies again, before it has noted that it has to recover.
//
//   1. Node 1 writes. Nodes 1 and 2 have it on disk, so it is acknowledged. Node 3 hears nothing.
//   2. Node 1 is given an old copy of its disk, and is not told so. Node 2 tells it what it had.
//   3. Node 1 loses its power. On its disk nothing says that it has to recover.
//   4. It comes back. Reads that it answers together with node 3 must have the write.
std::string PlayUnsyncedLoss();

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_PLAYED_H_
