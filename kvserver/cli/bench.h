// kv bench: how fast a server or a directory sets and gets.
#ifndef KVSERVER_CLI_BENCH_H_
#define KVSERVER_CLI_BENCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "backend.h"
#include "output.h"

namespace kvcli {

struct BenchRequest {
  int connections = 8;
  int pipeline = 1;
  int seconds = 3;
  size_t size = 100;        // bytes of a value
  uint64_t keys = 100'000;  // that are written and read, at random
  std::vector<std::string> operations = {"set", "get"};
};

// Keys are named "kv-bench:NUMBER" and are deleted at the end. Every connection has a thread. With
// --dir, a pipeline is a batch of writes, or a MultiGet. Returns an ExitCode.
int Bench(const Target& target, const Output& output, const BenchRequest& request);

// Times in microseconds, in buckets that are at most 1/16 wide: bounded memory, percentiles that
// are off by 6 % at most.
class TimeHistogram {
 public:
  TimeHistogram() : counts_(kBuckets, 0) {}
  void Add(uint64_t microseconds);
  void Add(const TimeHistogram& other);
  uint64_t Percentile(double percent) const;  // the upper end of its bucket
  uint64_t count() const { return count_; }

 private:
  static constexpr size_t kBuckets = 16 * 60;
  static size_t BucketOf(uint64_t microseconds);
  static uint64_t EndOf(size_t bucket);

  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
};

}  // namespace kvcli

#endif  // KVSERVER_CLI_BENCH_H_
