// Hashes in identities.
#ifndef LIBKV_SRC_EMBED_HEX_DIGITS_H_
#define LIBKV_SRC_EMBED_HEX_DIGITS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/hash.h"

namespace libkv {

inline std::string HexDigits(uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string digits(16, '0');
  for (size_t i = digits.size(); i > 0; value >>= 4) digits[--i] = kDigits[value & 15];
  return digits;
}

inline std::string HexDigits(const Hash128& hash) {
  return HexDigits(hash.high) + HexDigits(hash.low);
}

}  // namespace libkv

#endif  // LIBKV_SRC_EMBED_HEX_DIGITS_H_
