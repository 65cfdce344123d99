// What the analyzers know of each language: its stemmer, its stop words, and what is not part of a
// word although Unicode's rules leave it there. A part of the format: what "german/1" says here
// never changes; better rules get another number.
#ifndef LIBKV_SRC_TEXT_LANGUAGE_H_
#define LIBKV_SRC_TEXT_LANGUAGE_H_

#include <span>
#include <string_view>

namespace libkv {

struct Language {
  const char* name;                // of the stemmer of Snowball, and of the analyzer
  std::string_view stop_words;     // parted by single blanks, as one would write them, lower case
  std::string_view elisions = {};  // short words that end at an apostrophe: "l d qu"
  bool is_turkic = false;  // I is the capital of ı, and İ of i; names end at an apostrophe
};

// By name. What the installed libstemmer does not have is here too.
std::span<const Language> AllLanguages();

// Null: unknown, or without a stemmer on this machine.
const Language* FindLanguage(std::string_view name);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_LANGUAGE_H_
