#include "harness.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <latch>
#include <thread>

namespace libkv::perf {
namespace {

using Clock = std::chrono::steady_clock;

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double Seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

Sample OneSample(const Workload& workload, const Contestant& contestant, const Settings& settings,
                 int round) {
  const std::string directory = settings.directory + "/" + workload.name + "-" + contestant.name +
                                "-" + std::to_string(round);
  std::filesystem::remove_all(directory);
  const Sample sample = workload.measure(contestant, settings, directory);
  std::filesystem::remove_all(directory);
  if (sample.operations == 0) Fail(workload.name + ": " + contestant.name + " did nothing");
  return sample;
}

}  // namespace

Result Run(const Workload& workload, const Settings& settings) {
  Result result;
  for (int round = 0; round < settings.rounds; ++round) {
    const bool ours_first = round % 2 == 0;
    if (ours_first) result.ours.push_back(OneSample(workload, workload.ours, settings, round));
    result.twin.push_back(OneSample(workload, workload.twin, settings, round));
    if (!ours_first) result.ours.push_back(OneSample(workload, workload.ours, settings, round));
  }
  return result;
}

std::function<Sample(const Contestant&, const Settings&, const std::string&)> Measured(
    Prepare prepare, Work run) {
  return [prepare = std::move(prepare), run = std::move(run)](
             const Contestant& contestant, const Settings& settings, const std::string& directory) {
    return InChild([&](Sample* sample) {
      const std::unique_ptr<Side> side = contestant.open(directory);
      prepare(*side);
      const uint64_t syncs = side->syncs();
      const ProcessMeter meter;
      *sample = meter.Read(run(*side, settings.duration));
      sample->syncs = side->syncs() - syncs;
    });
  };
}

ProcessMeter::ProcessMeter() : begin_(Clock::now()), cpu_seconds_(CpuSeconds()) {}

Sample ProcessMeter::Read(uint64_t operations) const {
  return {.operations = operations,
          .seconds = Seconds(Clock::now() - begin_),
          .cpu_seconds = CpuSeconds() - cpu_seconds_};
}

Sample InChild(absl::FunctionRef<void(Sample*)> body, bool must_succeed) {
  Sample result;
  RunInChild(
      sizeof(Sample), &result, [&](void* shared) { body(new (shared) Sample); }, must_succeed);
  return result;
}

void RunInChild(size_t bytes, void* result, absl::FunctionRef<void(void* shared)> body,
                bool must_succeed) {
  void* const shared =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) Fail("no shared memory");
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) Fail("fork failed");
  if (child == 0) {
    body(shared);
    std::fflush(nullptr);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (must_succeed && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) Fail("a sample failed");
  std::memcpy(result, shared, bytes);
  munmap(shared, bytes);
}

uint64_t RunCallers(int callers, std::chrono::duration<double> duration, uint64_t stride,
                    absl::FunctionRef<void(uint64_t caller, uint64_t i)> operation) {
  std::atomic<uint64_t> total{0};
  const Clock::time_point end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(duration);
  const auto work = [&](uint64_t caller) {
    uint64_t i = 0;
    do {
      for (uint64_t next = i + stride; i < next; ++i) operation(caller, i);
    } while (Clock::now() < end);
    total += i;
  };
  if (callers == 1) {
    work(0);
    return total;
  }
  std::vector<std::thread> threads;
  std::latch start(callers);
  for (int caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&, caller] {
      start.arrive_and_wait();
      work(static_cast<uint64_t>(caller));
    });
  }
  for (std::thread& thread : threads) thread.join();
  return total;
}

void Fail(const std::string& message) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, message.c_str());
  std::fflush(nullptr);
  _exit(1);
}

}  // namespace libkv::perf
