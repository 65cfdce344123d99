// Corrections of queries and completions of words, both from the dictionary of what is stored.
#ifndef LIBKV_SRC_TEXT_CORRECTION_H_
#define LIBKV_SRC_TEXT_CORRECTION_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "libkv/analyzer.h"
#include "text/expansion.h"

namespace libkv {

// Whether a word that no part has under `term` may be a misspelt one: `word` is folded, long enough
// (kTypoCharactersMin) and has no digit.
bool MayBeTypo(PostingsSources parts, std::string_view term, std::string_view word);

// `query` with every word that may be a typo replaced by the most frequent one of those closest to
// it, at most TypoEdits away; the rest of it as it is. Empty: nothing to replace. Words that are
// left out, prefixes and fuzzy words stay. `fields` as in LexQuery.
std::string CorrectQuery(std::string_view query, const Analyzer& analyzer, PostingsSources parts,
                         ExpansionBudget* budget, const std::vector<std::string>* fields = nullptr);

// The word that `text` ends with. False: it ends with none that can be completed.
struct LastWord {
  size_t begin = 0;    // in the text
  std::string folded;  // as words are in the dictionary
};
bool FindLastWord(std::string_view text, LastWord* last);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_CORRECTION_H_
