// 1 + ln n as a table that is the same bits everywhere. The C library's logarithm may differ in the
// last bit from one to the next; additions, multiplications and divisions may not (IEEE 754), so
// the compiler works the table out with these alone.
#ifndef LIBKV_SRC_EMBED_LOG_FREQUENCY_H_
#define LIBKV_SRC_EMBED_LOG_FREQUENCY_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace libkv {

// Greater frequencies count as this one.
inline constexpr uint32_t kFrequencyMax = 255;

// ln x by the series of atanh: ln x = 2 (t + t^3/3 + t^5/5 + ...), t = (x - 1) / (x + 1), after
// x has been brought near 1 by halving.
constexpr double NaturalLogarithm(double x) {
  constexpr double kLn2 = 0.693147180559945309417232121458;
  double halvings = 0;
  for (; x > 1.5; x /= 2) halvings += 1;
  const double t = (x - 1) / (x + 1);
  double power = t, sum = 0;
  for (int k = 1; k < 60; k += 2) {
    sum += power / k;
    power *= t * t;
  }
  return halvings * kLn2 + 2 * sum;
}

inline constexpr std::array<double, kFrequencyMax + 1> kLogFrequencies = [] {
  std::array<double, kFrequencyMax + 1> table{};
  for (size_t n = 1; n < table.size(); ++n) {
    table[n] = 1 + NaturalLogarithm(static_cast<double>(n));
  }
  return table;
}();

constexpr double DampedFrequency(uint32_t n) { return kLogFrequencies[std::min(n, kFrequencyMax)]; }

}  // namespace libkv

#endif  // LIBKV_SRC_EMBED_LOG_FREQUENCY_H_
