// Bytes as they are written in libkv/doc/format.md: hex digits, blanks between fields.
#ifndef LIBKV_TESTS_LIBKV_FORMAT_HEX_H_
#define LIBKV_TESTS_LIBKV_FORMAT_HEX_H_

#include <string>
#include <string_view>

namespace libkv {

// Other characters than digits and a-f are skipped.
inline std::string FromHex(std::string_view hex) {
  std::string bytes;
  int digits = 0, value = 0;
  for (const char c : hex) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && (c < 'a' || c > 'f')) continue;
    value = value * 16 + (is_digit ? c - '0' : c - 'a' + 10);
    if (++digits % 2 != 0) continue;
    bytes += static_cast<char>(value);
    value = 0;
  }
  return bytes;
}

inline std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[c & 15];
  }
  return hex;
}

// Calls `check(damaged, where)` with `bytes` in every form that differs in one bit.
template <typename Check>
void ForEachBitFlip(std::string_view bytes, Check&& check) {
  std::string damaged(bytes);
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    check(damaged, bit);
    damaged[bit / 8] = bytes[bit / 8];
  }
}

// Calls `check(shorter, bytes)` with every shorter front of `bytes`.
template <typename Check>
void ForEachTruncation(std::string_view bytes, Check&& check) {
  for (size_t cut = 0; cut < bytes.size(); ++cut) check(bytes.substr(0, cut), cut);
}

}  // namespace libkv

#endif  // LIBKV_TESTS_LIBKV_FORMAT_HEX_H_
