// How much happens per second, over the last seconds.
#ifndef KVSERVER_SRC_COMMAND_RATES_H_
#define KVSERVER_SRC_COMMAND_RATES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace kvserver {

// Threads: any.
class Rates {
 public:
  // Counters since the start, which only grow.
  struct Counters {
    uint64_t commands = 0, input_bytes = 0, output_bytes = 0;
  };

  // To be called about once a second, by any number of threads: what comes sooner than half a
  // second after the last one is left out.
  void Sample(int64_t steady_us, const Counters& counters);

  // Per second, between the oldest and the newest of the last kSamples.
  Counters PerSecond() const;
  void Clear();

 private:
  static constexpr size_t kSamples = 8;
  static constexpr int64_t kApartMin = 500'000;  // microseconds

  struct Taken {
    int64_t steady_us = 0;
    Counters counters;
  };
  mutable std::mutex mutex_;
  std::array<Taken, kSamples> taken_;
  size_t count_ = 0;  // ever taken
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_RATES_H_
