// From a word to the term it is indexed under.
#ifndef LIBKV_SRC_TEXT_TERM_H_
#define LIBKV_SRC_TEXT_TERM_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/language.h"
#include "text/stemmer.h"

namespace libkv {

// Longer terms keep their first kTermPrefixBytes (cut between characters) and 16 hex digits of the
// hash of the whole: equal words stay equal, and the dictionary stays small.
inline constexpr size_t kTermBytesMax = 64;
inline constexpr size_t kTermPrefixBytes = 48;

// Belongs to one thread.
class TermMaker {
 public:
  // Without a language (null) nothing is elided, left out or stemmed. `language` must stay.
  explicit TermMaker(const Language* language);

  // The term of `word`, a word as ForEachWord finds it; empty for a word that is left out. Steps:
  // 1. fold, in Turkish with ı for I and i for İ;
  // 2. drop what hangs on an apostrophe: a short word before it ("l'arbre") and a possessive 's; in
  //    Turkish all that follows ("Ankara'da");
  // 3. leave out stop words; 4. cut, if over kTermBytesMax; 5. stem, if not cut.
  // The result depends on the language and the word only. `folded`, if given, becomes the word
  // after step 2.
  std::string Make(std::string_view word, std::string* folded = nullptr);

 private:
  void Fold(std::string_view word, std::string* folded) const;
  void DropElision(std::string* folded) const;
  bool IsStopWord(std::string_view folded) const;

  const Language* const language_;
  std::vector<std::string> stop_words_, elisions_;  // folded; sorted
  size_t stop_word_bytes_max_ = 0;
  std::optional<Stemmer> stemmer_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_TERM_H_
