#include "base/bits.h"

#include <bit>
#include <cstring>

namespace kvserver {
namespace {

constexpr size_t kWordBits = 64;

uint64_t WordAt(std::string_view bytes, size_t place) {
  uint64_t word = 0;
  std::memcpy(&word, bytes.data() + place / 8, sizeof(word));
  return word;
}

}  // namespace

// Bit by bit up to a whole byte, then words, then the rest bit by bit.
uint64_t CountOnes(std::string_view bytes, size_t begin, size_t count) {
  uint64_t ones = 0;
  const size_t end = begin + count;
  size_t place = begin;
  for (; place < end && place % 8 != 0; ++place) ones += BitAt(bytes, place) ? 1 : 0;
  for (; place + kWordBits <= end; place += kWordBits) {
    ones += static_cast<uint64_t>(std::popcount(WordAt(bytes, place)));
  }
  for (; place < end; ++place) ones += BitAt(bytes, place) ? 1 : 0;
  return ones;
}

std::optional<size_t> FindBit(std::string_view bytes, bool bit, size_t begin, size_t count) {
  const uint64_t other = bit ? 0 : ~uint64_t{0};  // a word without such a bit
  const size_t end = begin + count;
  size_t place = begin;
  for (; place < end && place % 8 != 0; ++place) {
    if (BitAt(bytes, place) == bit) return place;
  }
  while (place + kWordBits <= end && WordAt(bytes, place) == other) place += kWordBits;
  for (; place < end; ++place) {
    if (BitAt(bytes, place) == bit) return place;
  }
  return std::nullopt;
}

}  // namespace kvserver
