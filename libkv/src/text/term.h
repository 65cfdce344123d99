// From a word to the term it is indexed under.
#ifndef LIBKV_SRC_TEXT_TERM_H_
#define LIBKV_SRC_TEXT_TERM_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace libkv {

// Longer terms keep their first kTermPrefixBytes (cut between characters) and 16 hex digits of the
// hash of the whole: equal words stay equal, and the dictionary stays small.
inline constexpr size_t kTermBytesMax = 64;
inline constexpr size_t kTermPrefixBytes = 48;

struct TermRules {
  bool leave_out_stop_words = false;
  bool stem = false;  // English
};

// The term of `word`, a word as ForEachWord finds it; empty for a word that is left out. Steps:
// 1. fold; 2. drop a possessive 's; 3. leave out stop words; 4. cut, if over kTermBytesMax;
// 5. stem, if not cut. The result depends on the arguments only. `folded`, if given, becomes the
// word after step 2.
std::string MakeTerm(const TermRules& rules, std::string_view word, std::string* folded = nullptr);

// The 33 words of Lucene's classical English list. `word` must be folded.
bool IsStopWord(std::string_view word);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_TERM_H_
