#include "text/term.h"

#include <libstemmer.h>

#include <algorithm>
#include <iterator>
#include <new>

#include "base/check.h"
#include "base/hash.h"
#include "text/fold.h"

namespace libkv {
namespace {

constexpr std::string_view kStopWords[] = {
    "a",   "an",    "and",  "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
    "in",  "into",  "is",   "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
    "the", "their", "then", "there", "these", "they", "this", "to",  "was", "will", "with"};
static_assert(std::size(kStopWords) == 33);
constexpr size_t kStopWordBytesMax = 5;

// Thread-bound: a stemmer of libstemmer holds the word it works on.
class Stemmer {
 public:
  Stemmer() : stemmer_(sb_stemmer_new("english", "UTF_8")) { LIBKV_CHECK(stemmer_ != nullptr); }
  ~Stemmer() { sb_stemmer_delete(stemmer_); }
  Stemmer(const Stemmer&) = delete;
  Stemmer& operator=(const Stemmer&) = delete;

  void Stem(std::string* word) {
    const auto* in = reinterpret_cast<const sb_symbol*>(word->data());
    const sb_symbol* out = sb_stemmer_stem(stemmer_, in, static_cast<int>(word->size()));
    if (out == nullptr) throw std::bad_alloc();
    word->assign(reinterpret_cast<const char*>(out),
                 static_cast<size_t>(sb_stemmer_length(stemmer_)));
  }

 private:
  sb_stemmer* const stemmer_;
};

void FoldAscii(std::string_view word, std::string* out) {
  out->resize(word.size());
  std::transform(word.begin(), word.end(), out->begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void CutLongTerm(std::string* term) {
  uint64_t hash = Hash64(*term);
  size_t kept = kTermPrefixBytes;
  while (kept > 0 && (static_cast<unsigned char>((*term)[kept]) & 0xC0) == 0x80) --kept;
  term->resize(kept);
  for (int digit = 0; digit < 16; ++digit) {
    *term += "0123456789abcdef"[hash >> 60];
    hash <<= 4;
  }
}

}  // namespace

bool IsStopWord(std::string_view word) {
  return word.size() <= kStopWordBytesMax &&
         std::binary_search(std::begin(kStopWords), std::end(kStopWords), word);
}

std::string MakeTerm(const TermRules& rules, std::string_view word, std::string* folded) {
  std::string term;
  if (IsAscii(word)) {
    FoldAscii(word, &term);
  } else {
    FoldWord(word, &term);
  }
  if (term.ends_with("'s")) term.resize(term.size() - 2);
  if (folded != nullptr) *folded = term;
  if (rules.leave_out_stop_words && IsStopWord(term)) return {};
  if (term.size() > kTermBytesMax) {
    CutLongTerm(&term);
  } else if (rules.stem) {
    static thread_local Stemmer stemmer;
    stemmer.Stem(&term);
  }
  return term;
}

}  // namespace libkv
