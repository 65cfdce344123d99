#include "segment/bit_packing.h"

#include <array>
#include <utility>

#include "segment/little_endian.h"

#ifdef __x86_64__
#include <emmintrin.h>
#endif

namespace libkv {

inline constexpr size_t kLanes = 4;
inline constexpr size_t kRounds = kPackedNumbers / kLanes;  // numbers of a lane
inline constexpr size_t kWordBytes = 4;

namespace portable {

void Pack(const uint32_t* numbers, uint32_t bits, char* out) {
  for (size_t lane = 0; lane < kLanes; ++lane) {
    uint64_t waiting = 0;
    uint32_t waiting_bits = 0;
    char* word = out + kWordBytes * lane;
    for (size_t round = 0; round < kRounds; ++round) {
      waiting |= uint64_t{numbers[kLanes * round + lane]} << waiting_bits;
      waiting_bits += bits;
      if (waiting_bits < 32) continue;
      StoreLittle32(word, static_cast<uint32_t>(waiting));
      word += kLanes * kWordBytes;
      waiting >>= 32;
      waiting_bits -= 32;
    }
  }
}

void Unpack(const char* in, uint32_t bits, uint32_t* numbers) {
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    uint64_t waiting = 0;
    uint32_t waiting_bits = 0;
    const char* word = in + kWordBytes * lane;
    for (size_t round = 0; round < kRounds; ++round) {
      if (waiting_bits < bits) {
        waiting |= uint64_t{LoadLittle32(word)} << waiting_bits;
        word += kLanes * kWordBytes;
        waiting_bits += 32;
      }
      numbers[kLanes * round + lane] = static_cast<uint32_t>(waiting & mask);
      waiting >>= bits;
      waiting_bits -= bits;
    }
  }
}

void UnpackSums(const char* in, uint32_t bits, uint32_t start, uint32_t* sums) {
  Unpack(in, bits, sums);
  for (size_t i = 0; i < kPackedNumbers; ++i) sums[i] = start += sums[i];
}

}  // namespace portable

#ifdef __x86_64__

namespace {

__m128i LoadWords(const char* in, size_t word) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(in) + word);
}

// The kRound-th number of every lane. All shifts are constants.
template <uint32_t kBits, size_t kRound>
__m128i Round(const char* in) {
  if constexpr (kBits == 0) {
    return _mm_setzero_si128();
  } else {
    constexpr size_t kWord = kRound * kBits / 32;
    constexpr int kShift = static_cast<int>(kRound * kBits % 32);
    __m128i numbers = _mm_srli_epi32(LoadWords(in, kWord), kShift);
    if constexpr (kShift + static_cast<int>(kBits) > 32) {
      numbers = _mm_or_si128(numbers, _mm_slli_epi32(LoadWords(in, kWord + 1), 32 - kShift));
    }
    if constexpr (kBits < 32) {
      numbers = _mm_and_si128(numbers, _mm_set1_epi32(static_cast<int>((1U << kBits) - 1)));
    }
    return numbers;
  }
}

void Store(uint32_t* out, size_t round, __m128i numbers) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out) + round, numbers);
}

template <uint32_t kBits>
void UnpackAs(const char* in, uint32_t* out) {
  [&]<size_t... kRound>(std::index_sequence<kRound...>) {
    (Store(out, kRound, Round<kBits, kRound>(in)), ...);
  }
  (std::make_index_sequence<kRounds>());
}

// Adds to each lane all lanes before it, and `last`, the last sum so far, in all lanes.
__m128i AddUp(__m128i numbers, __m128i& last) {
  numbers = _mm_add_epi32(numbers, _mm_slli_si128(numbers, 4));
  numbers = _mm_add_epi32(numbers, _mm_slli_si128(numbers, 8));
  numbers = _mm_add_epi32(numbers, last);
  last = _mm_shuffle_epi32(numbers, 0xff);
  return numbers;
}

template <uint32_t kBits>
void UnpackSumsAs(const char* in, uint32_t start, uint32_t* out) {
  __m128i last = _mm_set1_epi32(static_cast<int>(start));
  [&]<size_t... kRound>(std::index_sequence<kRound...>) {
    (Store(out, kRound, AddUp(Round<kBits, kRound>(in), last)), ...);
  }
  (std::make_index_sequence<kRounds>());
}

using UnpackFunction = void (*)(const char*, uint32_t*);
using UnpackSumsFunction = void (*)(const char*, uint32_t, uint32_t*);

template <size_t... kBits>
constexpr std::array<UnpackFunction, sizeof...(kBits)> UnpackTable(std::index_sequence<kBits...>) {
  return {UnpackAs<kBits>...};
}
template <size_t... kBits>
constexpr std::array<UnpackSumsFunction, sizeof...(kBits)> UnpackSumsTable(
    std::index_sequence<kBits...>) {
  return {UnpackSumsAs<kBits>...};
}

constexpr auto kUnpack = UnpackTable(std::make_index_sequence<kPackedBitsMax + 1>());
constexpr auto kUnpackSums = UnpackSumsTable(std::make_index_sequence<kPackedBitsMax + 1>());

}  // namespace

void Pack(const uint32_t* numbers, uint32_t bits, char* out) {
  auto* words = reinterpret_cast<__m128i*>(out);
  __m128i waiting = _mm_setzero_si128();
  uint32_t waiting_bits = 0;
  for (size_t round = 0; round < kRounds; ++round) {
    const __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i*>(numbers) + round);
    const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(waiting_bits));
    waiting = _mm_or_si128(waiting, _mm_sll_epi32(four, shift));
    waiting_bits += bits;
    if (waiting_bits < 32) continue;
    _mm_storeu_si128(words++, waiting);
    waiting_bits -= 32;
    // A shift by 32, when nothing is left over, gives 0.
    const __m128i written = _mm_cvtsi32_si128(static_cast<int>(bits - waiting_bits));
    waiting = _mm_srl_epi32(four, written);
  }
}

void Unpack(const char* in, uint32_t bits, uint32_t* numbers) { kUnpack[bits](in, numbers); }

void UnpackSums(const char* in, uint32_t bits, uint32_t start, uint32_t* sums) {
  kUnpackSums[bits](in, start, sums);
}

#else

void Pack(const uint32_t* numbers, uint32_t bits, char* out) { portable::Pack(numbers, bits, out); }

void Unpack(const char* in, uint32_t bits, uint32_t* numbers) {
  portable::Unpack(in, bits, numbers);
}

void UnpackSums(const char* in, uint32_t bits, uint32_t start, uint32_t* sums) {
  portable::UnpackSums(in, bits, start, sums);
}

#endif

}  // namespace libkv
