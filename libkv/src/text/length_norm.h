// The length of a document in one byte: exact below 40 words, four significant bits above, which is
// all that ranking needs (the idea and the bounds are Lucene's). Part of the format: never changes.
//
//   code < 24        length = code
//   code >= 24       x = code - 24 read as a small float, exponent:5 mantissa:3; length = 24 + x
//     exponent 0     x = mantissa
//     exponent e     x = (8 + mantissa) << (e - 1)
#ifndef LIBKV_SRC_TEXT_LENGTH_NORM_H_
#define LIBKV_SRC_TEXT_LENGTH_NORM_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace libkv {

inline constexpr uint32_t kExactLengths = 24;

constexpr uint32_t DecodeLength(uint8_t code) {
  if (code < kExactLengths) return code;
  const uint32_t x = code - kExactLengths;
  const uint32_t exponent = x >> 3, mantissa = x & 7;
  if (exponent == 0) return kExactLengths + mantissa;
  return kExactLengths + ((8 + mantissa) << (exponent - 1));
}

inline constexpr uint32_t kEncodedLengthMax = DecodeLength(255);

// The code of the greatest length that is not above `length`. Monotone: longer never gets less.
constexpr uint8_t EncodeLength(uint32_t length) {
  length = std::min(length, kEncodedLengthMax);
  if (length < kExactLengths) return static_cast<uint8_t>(length);
  const uint32_t x = length - kExactLengths;
  if (x < 8) return static_cast<uint8_t>(kExactLengths + x);
  const auto exponent = static_cast<uint32_t>(std::bit_width(x)) - 3;
  const uint32_t mantissa = (x >> (exponent - 1)) & 7;
  return static_cast<uint8_t>(kExactLengths + (exponent << 3 | mantissa));
}

// DecodeLength of every code.
inline constexpr std::array<uint32_t, 256> kLengths = [] {
  std::array<uint32_t, 256> lengths{};
  for (uint32_t code = 0; code < 256; ++code) {
    lengths[code] = DecodeLength(static_cast<uint8_t>(code));
  }
  return lengths;
}();

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_LENGTH_NORM_H_
