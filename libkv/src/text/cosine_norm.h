// The length of a document's vector of term weights in two bytes, twelve significant bits: 0.02 %
// off at most. Part of the format: never changes.
//
//   code     exponent:4 mantissa:12 of a number from 1 to 65,528; smaller ones count as 1
#ifndef LIBKV_SRC_TEXT_COSINE_NORM_H_
#define LIBKV_SRC_TEXT_COSINE_NORM_H_

#include <algorithm>
#include <bit>
#include <cstdint>

namespace libkv {

// The first 12 of the 23 bits of a float's mantissa, rounded; a carry moves into the exponent.
inline constexpr uint32_t kCosineShift = 11;
inline constexpr uint32_t kOneBits = std::bit_cast<uint32_t>(1.0F);

constexpr uint16_t EncodeCosineNorm(float norm) {
  if (!(norm > 1)) return 0;
  const uint32_t bits = std::bit_cast<uint32_t>(norm) - kOneBits + (1U << (kCosineShift - 1));
  return static_cast<uint16_t>(std::min<uint32_t>(bits >> kCosineShift, UINT16_MAX));
}

constexpr float DecodeCosineNorm(uint16_t code) {
  return std::bit_cast<float>(kOneBits + (uint32_t{code} << kCosineShift));
}

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_COSINE_NORM_H_
