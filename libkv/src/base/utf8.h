// UTF-8, read leniently: bytes that are not UTF-8 count as U+FFFD, one for each maximal part of a
// sequence (Unicode 15, 3.9, "best practice").
#ifndef LIBKV_SRC_BASE_UTF8_H_
#define LIBKV_SRC_BASE_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace libkv {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

struct DecodedCharacter {
  char32_t code = 0;
  size_t bytes = 1;   // how far to go on; at least 1
  bool valid = true;  // false: `code` stands for bytes that are not UTF-8
};

// The character at the start of `bytes`, which must not be empty.
DecodedCharacter DecodeCharacter(std::string_view bytes);

void AppendCharacter(std::string& out, char32_t code);

bool IsValidUtf8(std::string_view bytes);

// `bytes` with everything that is not UTF-8 replaced by U+FFFD.
std::string ToValidUtf8(std::string_view bytes);

// Whether `value` is text at all: a value with a zero byte, or whose first 8 KiB are for more than
// a third control characters and bytes that are not UTF-8, is taken for binary and not indexed.
bool LooksLikeText(std::string_view value);

}  // namespace libkv

#endif  // LIBKV_SRC_BASE_UTF8_H_
