// Kills a process that writes, again and again, and compares what is left with what it was told.
//
// Writers announce each write in shared memory before they make it and note it there once it was
// acknowledged; shared memory outlives kill -9. Every write follows from its writer and its number,
// so the checker knows all acknowledged values without having seen them, and that at most one write
// per writer is in doubt.
//
// A writer's n-th write: a bulk of eight keys that all carry n, a delete of an older key, or a new
// key with a text of its own. Half of the writers use kSynced, half kWritten: both must survive the
// end of a process. (Power cuts are another matter: no process can cause one.)
#ifndef LIBKV_PERF_DURABILITY_H_
#define LIBKV_PERF_DURABILITY_H_

#include <cstdint>
#include <string>

namespace libkv::perf {

struct DurabilityReport {
  uint64_t kills = 0;
  uint64_t attempted = 0;
  uint64_t acknowledged = 0;
  // Counted after every kill, so that one lost key may count more than once.
  uint64_t lost = 0;             // acknowledged, but not there, or another value
  uint64_t torn_bulks = 0;       // some keys of a bulk changed and some did not
  uint64_t verify_problems = 0;  // what Store::Verify found

  bool ok() const { return acknowledged > 0 && lost + torn_bulks + verify_problems == 0; }
};

// Uses `directory`, which it creates and removes. Must be called without threads.
DurabilityReport RunDurability(const std::string& directory, int kills, uint64_t seed);

void Print(const DurabilityReport& report);

// One line.
std::string ToJson(const DurabilityReport& report, const std::string& command);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_DURABILITY_H_
