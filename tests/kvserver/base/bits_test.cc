#include "base/bits.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

namespace kvserver {

TEST_CASE("bits are counted and found as one by one") {
  constexpr uint64_t kSeed = 5;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 3'000; ++round) {
    // Long rows of equal bits, so that whole words are skipped.
    std::string bytes(random() % 60, random() % 2 == 0 ? '\0' : '\xff');
    for (size_t i = random() % 4; i > 0 && !bytes.empty(); --i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const size_t begin = random() % (bytes.size() * 8 + 1);
    const size_t count = random() % (bytes.size() * 8 - begin + 1);
    const bool wanted = random() % 2 == 0;
    uint64_t ones = 0;
    std::optional<size_t> first;
    for (size_t i = begin; i < begin + count; ++i) {
      const bool bit = (static_cast<unsigned char>(bytes[i / 8]) & (0x80 >> i % 8)) != 0;
      REQUIRE(BitAt(bytes, i) == bit);
      ones += bit ? 1 : 0;
      if (bit == wanted && !first) first = i;
    }
    CAPTURE(round);
    REQUIRE(CountOnes(bytes, begin, count) == ones);
    REQUIRE(FindBit(bytes, wanted, begin, count) == first);
  }
}

}  // namespace kvserver
