// An Analyzer cuts a text into the terms that are indexed and searched.
#ifndef LIBKV_ANALYZER_H_
#define LIBKV_ANALYZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace libkv {

// One term found in a text. Views live until the sink returns.
struct Token {
  std::string_view term;    // folded and stemmed: equal terms match
  uint32_t position = 0;    // counts words, those left out (stop words) included
  uint32_t begin_byte = 0;  // where the word stands in the text, for highlighting:
  uint32_t end_byte = 0;    // [begin_byte, end_byte)
  // The word before stemming, for what looks words up by their spelling: prefixes, typos,
  // suggestions. Folded as NFKC_Casefold does. Empty: the term is the word. Words over 64 bytes are
  // not looked up.
  std::string_view word = {};
};

// Threads    Analyze is called from many threads at once.
class Analyzer {
 public:
  virtual ~Analyzer() = default;

  // Names the rules and their version, for example "english/1". Stored with the space; a store
  // opened with another one answers FailedPrecondition instead of mixing terms.
  virtual std::string id() const = 0;

  // Calls `sink` for every term of `text`, positions ascending. Any bytes are legal: what is not
  // UTF-8 counts as U+FFFD.
  virtual void Analyze(std::string_view text, absl::FunctionRef<void(const Token&)> sink) const = 0;
};

// The built-in "english/1": words by Unicode's rules (UAX 29), NFKC case folding, possessive 's
// removed, 33 stop words left out, the Snowball English stemmer (Porter 2). Chinese, Japanese and
// Korean are cut into overlapping pairs of characters. Words over 64 bytes keep their first 48 and
// a hash of the rest.
std::shared_ptr<const Analyzer> MakeEnglishAnalyzer();

// The built-in "simple/1": as above without stop words and without stemming.
std::shared_ptr<const Analyzer> MakeSimpleAnalyzer();

// The built-in "<language>/1", for example MakeAnalyzer("german"): as "english/1", with the stemmer
// that Snowball has for the language and a short list of its stop words. A store remembers which it
// was: it need not be given again at the next open. Diacritics are kept, since stemmers go by them
// (and take some off: German plurals lose their umlauts): "ano" does not find "año".
//
//   arabic armenian* basque catalan danish dutch english finnish french german greek hindi
//   hungarian indonesian irish italian lithuanian nepali* norwegian porter portuguese romanian
//   russian serbian spanish swedish tamil* turkish yiddish*
//
// *: no stop words are left out. "simple" is known too. "porter" is English with the older of
// Martin Porter's stemmers, as Lucene's EnglishAnalyzer has it.
//
//   French, Catalan, Italian, Irish    a short word before an apostrophe is dropped: "l'arbre" is
//                                      found by "arbre".
//   Turkish    I is the capital of ı and İ that of i, as in no other language; what follows an
//              apostrophe is dropped: "Ankara'da" is found by "ANKARA".
//   Serbian    Cyrillic and Latin letters are the same.
//
// InvalidArgument: none for that language; the message names those of AnalyzerLanguages(). Which
// these are depends on the installed libstemmer (3.0 and later may also stem a few words otherwise:
// a store that moves to such a machine needs its space defined anew). A thread keeps what it learnt
// about the words of the last 4 languages that it analyzed, 3.4 MiB for each.
absl::StatusOr<std::shared_ptr<const Analyzer>> MakeAnalyzer(std::string_view language);

// What MakeAnalyzer knows here, in alphabetical order.
std::vector<std::string> AnalyzerLanguages();

}  // namespace libkv

#endif  // LIBKV_ANALYZER_H_
