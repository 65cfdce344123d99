// Cuts a text into words by Unicode's default rules (UAX 29, word boundaries), with two choices of
// our own: '@' and ':' always end a word, because versions of ICU disagree about them and an index
// must not depend on the version; and runs of Han, Hiragana, Katakana and Hangul are handed over
// whole, because dictionaries change too.
//
// A word is a segment with a letter or a digit in it. ASCII text never reaches ICU.
#ifndef LIBKV_SRC_TEXT_WORD_BREAKER_H_
#define LIBKV_SRC_TEXT_WORD_BREAKER_H_

#include <cstdint>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace libkv {

// Offsets are 32 bits wide: what follows the first 4 GiB of a text has no words.
inline constexpr uint32_t kAnalyzedBytesMax = UINT32_MAX;

// ICU sees at most this much of a run without white space at a time; a longer one is cut here.
inline constexpr uint32_t kBreakPieceBytesMax = 64 << 10;

struct Word {
  enum class Kind : uint8_t {
    kAscii,    // ASCII bytes only
    kUnicode,  // anything else but
    kEastern,  // a run of Han, Hiragana, Katakana, Hangul and the marks that belong to them
  };
  Kind kind = Kind::kAscii;
  uint32_t begin = 0, end = 0;  // bytes of the text: [begin, end)
};

// Calls `sink` for every word of `text`, in order. Any bytes are legal: what is not UTF-8 counts as
// U+FFFD, which is not part of a word. `sink` may itself break other texts.
void ForEachWord(std::string_view text, absl::FunctionRef<void(const Word&)> sink);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_WORD_BREAKER_H_
