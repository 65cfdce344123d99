// How often each command ran, and how long it took.
#ifndef KVSERVER_SRC_COMMAND_COMMAND_TIMES_H_
#define KVSERVER_SRC_COMMAND_COMMAND_TIMES_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "command/command.h"

namespace kvserver {

// The time is that of the command itself: without the wait for its turn to be stored, and without
// the network. Threads: any; an addition costs a look-up and two relaxed atomic additions.
class CommandTimes {
 public:
  // Upper ends of the buckets; one more holds what took longer.
  static constexpr std::array<int64_t, 10> kMicroseconds = {
      10, 30, 100, 300, 1'000, 3'000, 10'000, 100'000, 1'000'000, 10'000'000};

  struct Times {
    std::array<std::atomic<uint64_t>, kMicroseconds.size() + 1> buckets{};
    std::atomic<uint64_t> sum_us{0};
  };

  CommandTimes();

  void Add(const Command& command, int64_t microseconds);
  const Times* Of(const Command& command) const;

 private:
  absl::flat_hash_map<const Command*, std::unique_ptr<Times>> times_;  // fixed from the start
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_COMMAND_TIMES_H_
