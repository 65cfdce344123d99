// Expansions: the words of the dictionary that a beginning or a misspelt word stands for.
#ifndef LIBKV_SRC_TEXT_EXPANSION_H_
#define LIBKV_SRC_TEXT_EXPANSION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "text/postings.h"

namespace libkv {

// Bounds of one query.
inline constexpr size_t kExpansionWordsMax = 128;               // that one term stands for
inline constexpr size_t kExpandedTermsMax = 4'096;              // of all its terms together
inline constexpr size_t kDictionaryLooksMax = size_t{1} << 20;  // words looked at: 20 ms

// The parts of an index that are searched together.
using PostingsSources = std::span<const PostingsSource* const>;

// What is left of the bounds.
struct ExpansionBudget {
  size_t looks = kDictionaryLooksMax;
  size_t terms = kExpandedTermsMax;
};

struct ExpandedWord {
  std::string word, term;
  uint64_t documents = 0;  // the parts' together
  uint32_t edits = 0;
};

struct Expansion {
  std::vector<ExpandedWord> words;  // most documents first, then by word
  size_t found = 0;                 // with those beyond the limit
  bool is_partial = false;          // the budget of looks was used up
};

// The words that begin with `prefix`, at most `limit`.
Expansion ExpandPrefix(PostingsSources parts, std::string_view prefix, size_t limit,
                       ExpansionBudget* budget);

// The words at most `edits` from `word`, itself included. Of words with up to
// kFuzzyShortCharacters the first character must be the same. With `closest`, only those at the
// least distance at which there are any.
inline constexpr size_t kFuzzyShortCharacters = 3;
Expansion ExpandFuzzy(PostingsSources parts, std::string_view word, uint32_t edits, bool closest,
                      size_t limit, ExpansionBudget* budget);

// Calls `sink` for the words that begin with `prefix`, in the order of a WordCursor, each once with
// the documents of all parts, until it returns false or the budget is used up (false then).
bool ForEachWordOf(
    PostingsSources parts, std::string_view prefix, ExpansionBudget* budget,
    absl::FunctionRef<bool(std::string_view word, std::string_view term, uint64_t documents)> sink);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_EXPANSION_H_
