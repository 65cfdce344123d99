#include "text/fold.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include <algorithm>

#include "base/check.h"

namespace libkv {
namespace {

const icu::Normalizer2& CaseFold() {
  static const icu::Normalizer2* const instance = [] {
    UErrorCode error = U_ZERO_ERROR;
    const icu::Normalizer2* fold = icu::Normalizer2::getNFKCCasefoldInstance(error);
    LIBKV_CHECK(U_SUCCESS(error));
    return fold;
  }();
  return *instance;
}

bool IsTrail(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

void FoldPiece(std::string_view piece, std::string* folded) {
  UErrorCode error = U_ZERO_ERROR;
  icu::StringByteSink<std::string> sink(folded);
  CaseFold().normalizeUTF8(0, {piece.data(), static_cast<int32_t>(piece.size())}, sink, nullptr,
                           error);
  LIBKV_CHECK(U_SUCCESS(error));
}

// U+2018 and U+2019 to "'", in place from `from` on.
void PlainApostrophes(std::string* text, size_t from) {
  for (size_t at = text->find("\xE2\x80", from); at != std::string::npos;
       at = text->find("\xE2\x80", at + 1)) {
    if (at + 2 >= text->size()) return;
    const char last = (*text)[at + 2];
    if (last == '\x98' || last == '\x99') text->replace(at, 3, "'");
  }
}

}  // namespace

void FoldWord(std::string_view word, std::string* folded) {
  const size_t from = folded->size();
  while (!word.empty()) {
    size_t count = std::min(word.size(), kFoldPieceBytes);
    for (size_t back = 0; count < word.size() && back < 3 && IsTrail(word[count]); ++back) --count;
    FoldPiece(word.substr(0, count), folded);
    word.remove_prefix(count);
  }
  PlainApostrophes(folded, from);
}

bool StartsFoldUnit(char32_t c) { return CaseFold().hasBoundaryBefore(static_cast<UChar32>(c)); }

}  // namespace libkv
