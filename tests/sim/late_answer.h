// One schedule that chance does not find: what a run that is over has relayed of another run that
// is over comes last of all.
//
//   1. Node 1 writes. Only node 2 hears of it, and nobody has it on disk yet.
//   2. Node 1 dies, without the write, and comes back as a new run, of which all hear.
//   3. Node 3 asks node 2 for the key. The answer is under way.
//   4. Node 2 dies, without the write, and comes back as a new run, of which only node 1 hears.
//   5. Nodes 1 and 2 do not have the write; node 3 says the same. So may node 1 settle its old run?
//      Not as long as node 3 does not know that node 2's old run is over:
//   6. The answer comes to node 3, and has the write.
#ifndef LIBKV_TESTS_SIM_LATE_ANSWER_H_
#define LIBKV_TESTS_SIM_LATE_ANSWER_H_

#include <string>

namespace kvserver::sim {

// Plays it, and lets all nodes talk until nothing changes. "": they have the same then. Under the
// active mutant.
std::string PlayLateAnswer();

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_LATE_ANSWER_H_
