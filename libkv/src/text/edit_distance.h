// How many edits part two words: an edit inserts, drops or replaces a character or swaps two
// neighbours (Damerau-Levenshtein in its restricted form: no character is edited twice; Damerau,
// "A Technique for Computer Detection and Correction of Spelling Errors", CACM 1964).
//
// One word is compared with very many others. The naive table costs |word| * |other| each time. A
// dictionary comes sorted: the rows of the beginning that an other word shares with the one before
// it are there already, and when all of a row is above the bound, all words with that beginning
// are out without a look. And of a row only the cells that are not further from the diagonal than
// edits are allowed can be within the bound: the others are not filled (Ukkonen, "Algorithms for
// Approximate String Matching", 1985).
#ifndef LIBKV_SRC_TEXT_EDIT_DISTANCE_H_
#define LIBKV_SRC_TEXT_EDIT_DISTANCE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace libkv {

class EditDistance {
 public:
  // `word` in UTF-8; what is not counts as U+FFFD.
  EditDistance(std::string_view word, uint32_t edits_max);

  // The edits between the word and `other`; nullopt: more than edits_max. About 20 ns for sorted
  // calls.
  std::optional<uint32_t> To(std::string_view other);

  // After To(other) was nullopt: whatever begins with so many bytes of `other` is out as well. 0:
  // not known of any.
  size_t out_bytes() const { return out_bytes_; }

  // From here on only words at most so many edits away are of interest; greater ones change
  // nothing.
  void LowerMax(uint32_t edits_max) { edits_max_ = std::min(edits_max_, edits_max); }

 private:
  using Cell = uint8_t;  // never above kCellMax
  static constexpr uint32_t kCellMax = 200;
  Cell* row(size_t depth) { return &rows_[depth * columns_]; }
  Cell FillRow(size_t depth, char32_t c);

  std::u32string word_;
  uint32_t edits_max_;
  const size_t columns_;
  std::string last_;            // the beginning of some word whose rows are below
  std::vector<Cell> rows_;      // row d: the first d characters of last_ against all of word_
  std::vector<Cell> least_;     // of each row
  std::vector<char32_t> read_;  // characters of last_
  std::vector<size_t> ends_;    // where they end in last_; ends_[0] is 0
  size_t out_bytes_ = 0;
};

// Characters of `word`, which counts as U+FFFD where it is not UTF-8.
size_t CountCharacters(std::string_view word);

// How many edits the typos of a word of so many characters may take.
inline uint32_t TypoEdits(size_t characters) { return characters < 9 ? 1 : 2; }
inline constexpr size_t kTypoCharactersMin = 5;  // shorter words are not taken for typos

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_EDIT_DISTANCE_H_
