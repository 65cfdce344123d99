// Folding: the spelling under which words are compared. NFKC_Casefold of Unicode (case, width and
// compatibility forms), and the apostrophes that UAX 29 allows within words become "'".
#ifndef LIBKV_SRC_TEXT_FOLD_H_
#define LIBKV_SRC_TEXT_FOLD_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace libkv {

// Longer words are folded in pieces of this size: reordering a run of combining marks takes
// quadratic time, and a value may consist of nothing else.
inline constexpr size_t kFoldPieceBytes = 512;

// Appends the folded form of `word` to `folded`. `word` should be UTF-8, as the words of
// ForEachWord are; bytes that are not stay.
void FoldWord(std::string_view word, std::string* folded);

// Whether folding leaves the code point as it is whatever stands beside it, with the exception of
// marks and Hangul letters that follow. Knows the common ideographs, kana and syllables only.
inline bool IsFoldedEastern(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3041 && c <= 0x3096) ||
         (c >= 0x30A1 && c <= 0x30FA) || c == 0x30FC || (c >= 0xAC00 && c <= 0xD7A3);
}

// Whether a character can be folded without looking at those before it.
bool StartsFoldUnit(char32_t c);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_FOLD_H_
