#include "text/fold.h"

#include <doctest/doctest.h>

#include <string>

namespace libkv {
namespace {

std::string Fold(std::string_view word) {
  std::string folded = "kept ";
  FoldWord(word, &folded);
  REQUIRE(folded.starts_with("kept "));
  return folded.substr(5);
}

TEST_CASE("folding is NFKC_Casefold with plain apostrophes, appended to what is there") {
  CHECK(Fold("Stra\xC3\x9F\x65") == "strasse");
  CHECK(Fold("I\xE2\x80\x99M \xE2\x80\x98x") == "i'm 'x");
  CHECK(Fold("\xE2\x80\x94") == "\xE2\x80\x94");  // begins as the apostrophes do
  CHECK(Fold("").empty());
}

TEST_CASE("a long word is folded in pieces, so a heap of marks stays cheap to reorder") {
  // Marks of two classes in turn: folded as one piece, all of one class would come first.
  std::string word(kFoldPieceBytes, 'A');
  std::string marks;
  for (int i = 0; i < 1'000; ++i) marks += "\xCC\x81\xCC\xA3";
  word += marks;
  const std::string folded = Fold(word);
  std::string expected;
  for (size_t at = 0; at < word.size(); at += kFoldPieceBytes) {
    expected += Fold(word.substr(at, kFoldPieceBytes));
  }
  CHECK(folded == expected);
  // Pieces end between characters.
  std::string accents = "x";
  for (size_t i = 0; i < kFoldPieceBytes; ++i) accents += "\xC3\xA9";
  CHECK(Fold(accents) == accents);
}

}  // namespace
}  // namespace libkv
