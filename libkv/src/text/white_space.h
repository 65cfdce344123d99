// White space as Unicode defines it (property White_Space), for text in UTF-8.
#ifndef LIBKV_SRC_TEXT_WHITE_SPACE_H_
#define LIBKV_SRC_TEXT_WHITE_SPACE_H_

#include <cstddef>
#include <string_view>

#include "base/utf8.h"

namespace libkv {

inline bool IsAsciiWhiteSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

inline bool IsWhiteSpace(char32_t c) {
  if (c < 0x80) return IsAsciiWhiteSpace(static_cast<char>(c));
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// The bytes of the white space character at the start of `text`; 0 when there is none.
inline size_t WhiteSpaceBytes(std::string_view text) {
  if (text.empty()) return 0;
  if (static_cast<unsigned char>(text[0]) < 0x80) return IsAsciiWhiteSpace(text[0]) ? 1 : 0;
  const DecodedCharacter c = DecodeCharacter(text);
  return IsWhiteSpace(c.code) ? c.bytes : 0;
}

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_WHITE_SPACE_H_
