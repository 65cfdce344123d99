// Packing against the layout of format.md, bit by bit, and the two implementations against each
// other.
#include "segment/bit_packing.h"

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>

#include "segment/little_endian.h"

namespace libkv {
namespace {

using Numbers = std::array<uint32_t, kPackedNumbers>;

Numbers RandomNumbers(std::mt19937_64& random, uint32_t bits) {
  Numbers numbers{};
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  for (uint32_t& number : numbers) number = static_cast<uint32_t>(random() & mask);
  if (bits > 0) numbers[random() % kPackedNumbers] |= 1U << (bits - 1);
  return numbers;
}

// Number n stands in lane n % 4, at bit n / 4 * bits of that lane's words.
uint32_t NumberAt(const std::string& packed, uint32_t bits, size_t n) {
  uint32_t number = 0;
  for (uint32_t bit = 0; bit < bits; ++bit) {
    const size_t at = n / 4 * bits + bit;
    const uint32_t word = LoadLittle32(packed.data() + 4 * (4 * (at / 32) + n % 4));
    number |= (word >> at % 32 & 1) << bit;
  }
  return number;
}

TEST_CASE("128 numbers of any width have the layout of the format page and come back") {
  constexpr uint32_t kSeed = 11;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  for (uint32_t bits = 0; bits <= kPackedBitsMax; ++bits) {
    CAPTURE(bits);
    const Numbers numbers = RandomNumbers(random, bits);
    REQUIRE(PackedBits(numbers.data()) == bits);
    std::string packed(PackedBytes(bits), '\xee'), portable_packed(PackedBytes(bits), '\xdd');
    Pack(numbers.data(), bits, packed.data());
    portable::Pack(numbers.data(), bits, portable_packed.data());
    CHECK(packed == portable_packed);
    for (size_t n = 0; n < kPackedNumbers; ++n) REQUIRE(NumberAt(packed, bits, n) == numbers[n]);

    Numbers unpacked{}, portable_unpacked{};
    Unpack(packed.data(), bits, unpacked.data());
    portable::Unpack(packed.data(), bits, portable_unpacked.data());
    CHECK(unpacked == numbers);
    CHECK(portable_unpacked == numbers);
  }
}

TEST_CASE("sums go on from the start and over 2^32") {
  constexpr uint32_t kSeed = 12;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  for (uint32_t bits = 0; bits <= kPackedBitsMax; ++bits) {
    CAPTURE(bits);
    const Numbers numbers = RandomNumbers(random, bits);
    std::string packed(PackedBytes(bits), '\0');
    Pack(numbers.data(), bits, packed.data());
    const auto start = static_cast<uint32_t>(random());
    Numbers sums{}, portable_sums{}, expected{};
    for (uint32_t n = 0, sum = start; n < kPackedNumbers; ++n) expected[n] = sum += numbers[n];
    UnpackSums(packed.data(), bits, start, sums.data());
    portable::UnpackSums(packed.data(), bits, start, portable_sums.data());
    CHECK(sums == expected);
    CHECK(portable_sums == expected);
  }
}

TEST_CASE("packing touches its own bytes only") {
  // Goal: nothing before or behind is read or written. Method: bytes around it, as a string of
  // exactly the right size under AddressSanitizer, and by value here.
  Numbers numbers{};
  numbers.fill(UINT32_MAX >> 19);
  std::string room(PackedBytes(13) + 2, '\x55');
  Pack(numbers.data(), 13, room.data() + 1);
  CHECK(room.front() == '\x55');
  CHECK(room.back() == '\x55');
}

}  // namespace
}  // namespace libkv
