// How a workload is measured: every sample in a process of its own, with a store of its own, the
// two sides taking turns.
//
// A fresh process makes the CPU time of a sample its own, background threads included, and keeps
// the heap and the caches of one side out of the other's way. Taking turns makes both sides meet
// the same neighbours on a shared machine; the order changes every round.
#ifndef LIBKV_PERF_HARNESS_H_
#define LIBKV_PERF_HARNESS_H_

#include <chrono>
#include <cstdint>
#include <new>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/functional/function_ref.h"
#include "side.h"

namespace libkv::perf {

struct Settings {
  std::chrono::duration<double> duration{2};  // of the measured part of one sample
  int rounds = 5;
  std::string directory;  // samples live in folders below it
};

// What one side did in one round.
struct Sample {
  uint64_t operations = 0;
  uint64_t syncs = 0;
  double seconds = 0;
  double cpu_seconds = 0;  // of the whole process: callers and background threads

  double per_second() const { return static_cast<double>(operations) / seconds; }
  double cpu_us() const { return cpu_seconds * 1e6 / static_cast<double>(operations); }
  double syncs_per_operation() const {
    return static_cast<double>(syncs) / static_cast<double>(operations);
  }
};

struct Workload {
  std::string name;
  std::string summary;  // one line, the unit of an operation included
  Contestant ours, twin;
  // One sample in `directory`, which does not exist yet and is removed afterwards.
  std::function<Sample(const Contestant&, const Settings&, const std::string& directory)> measure;
};

struct Result {
  std::vector<Sample> ours, twin;  // by round
};

// Runs `settings.rounds` rounds of both sides.
Result Run(const Workload& workload, const Settings& settings);

// What `measure` usually is: `prepare` fills the open store, then `run` works until it has used
// `duration` and returns the number of operations; only that part is measured.
using Prepare = std::function<void(Side&)>;
using Work = std::function<uint64_t(Side&, std::chrono::duration<double> duration)>;
std::function<Sample(const Contestant&, const Settings&, const std::string&)> Measured(
    Prepare prepare, Work run);

// Time and CPU of this process since construction.
class ProcessMeter {
 public:
  ProcessMeter();
  Sample Read(uint64_t operations) const;  // without syncs

 private:
  const std::chrono::steady_clock::time_point begin_;
  const double cpu_seconds_;
};

// Runs `body` in a child process, which may be killed by it, and waits; the sample that it fills is
// shared with the child. The caller must not have threads. With `must_succeed` a child that failed
// ends this process too.
Sample InChild(absl::FunctionRef<void(Sample*)> body, bool must_succeed = true);

// As InChild, for any result that can be copied bytewise; returns what `body` returns.
template <typename Result>
Result ResultOfChild(absl::FunctionRef<Result()> body);

// Calls operation(caller, i), for i = 0, 1, 2, ... in each of `callers` threads, until `duration`
// is over; looks at the clock every `stride` calls. Returns the number of calls.
uint64_t RunCallers(int callers, std::chrono::duration<double> duration, uint64_t stride,
                    absl::FunctionRef<void(uint64_t caller, uint64_t i)> operation);

// Prints `message` and ends the process, without destructors.
[[noreturn]] void Fail(const std::string& message);

// What the two above are made of: `shared` has `bytes` zeros at first, and is copied to `result`.
void RunInChild(size_t bytes, void* result, absl::FunctionRef<void(void* shared)> body,
                bool must_succeed);

template <typename Result>
Result ResultOfChild(absl::FunctionRef<Result()> body) {
  static_assert(std::is_trivially_copyable_v<Result>);
  Result result;
  RunInChild(
      sizeof(Result), &result, [&](void* shared) { new (shared) Result(body()); }, true);
  return result;
}

}  // namespace libkv::perf

#endif  // LIBKV_PERF_HARNESS_H_
