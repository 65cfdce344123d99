#include "command/rates.h"

#include <doctest/doctest.h>

namespace kvserver {

TEST_CASE("rates are per second, over the samples that are kept") {
  constexpr int64_t kSecond = 1'000'000;
  Rates rates;
  CHECK(rates.PerSecond().commands == 0);
  rates.Sample(0, {.commands = 0, .input_bytes = 0, .output_bytes = 0});
  CHECK(rates.PerSecond().commands == 0);
  rates.Sample(2 * kSecond, {.commands = 200, .input_bytes = 20, .output_bytes = 2});
  CHECK(rates.PerSecond().commands == 100);
  CHECK(rates.PerSecond().input_bytes == 10);
  CHECK(rates.PerSecond().output_bytes == 1);

  // Another thread that comes right behind is left out.
  rates.Sample(2 * kSecond + 1'000, {.commands = 100'000, .input_bytes = 0, .output_bytes = 0});
  CHECK(rates.PerSecond().commands == 100);

  // What happened long ago no longer counts: ten quiet seconds.
  for (int64_t second = 3; second <= 13; ++second) {
    rates.Sample(second * kSecond, {.commands = 200, .input_bytes = 20, .output_bytes = 2});
  }
  CHECK(rates.PerSecond().commands == 0);
}

TEST_CASE("counters that begin anew give no negative rate") {
  Rates rates;
  rates.Sample(0, {.commands = 1'000, .input_bytes = 0, .output_bytes = 0});
  rates.Sample(1'000'000, {.commands = 5, .input_bytes = 0, .output_bytes = 0});
  CHECK(rates.PerSecond().commands == 0);
}

}  // namespace kvserver
