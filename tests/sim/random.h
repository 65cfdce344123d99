// The chance of a simulation: one seed, the same run.
#ifndef LIBKV_TESTS_SIM_RANDOM_H_
#define LIBKV_TESTS_SIM_RANDOM_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace kvserver::sim {

// SplitMix64: 64 bits of state, so that a seed can be the state.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  size_t Below(size_t n) { return static_cast<size_t>(Next() % n); }
  int64_t Between(int64_t first, int64_t last) {  // both included
    return first + static_cast<int64_t>(Next() % static_cast<uint64_t>(last - first + 1));
  }
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  bool Chance(double p) { return Unit() < p; }
  // Mostly short, sometimes long: as waiting times are.
  int64_t Wait(double mean) { return static_cast<int64_t>(-mean * std::log(1.0 - Unit())); }
  template <typename T>
  T Of(std::initializer_list<T> choices) {
    return choices.begin()[Below(choices.size())];
  }

 private:
  uint64_t state_;
};

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_RANDOM_H_
