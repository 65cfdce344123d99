#include "text/term.h"

#include <algorithm>

#include "base/hash.h"
#include "text/fold.h"

namespace libkv {
namespace {

constexpr std::string_view kDotlessI = "\xC4\xB1";  // U+0131
constexpr std::string_view kDottedI = "\xC4\xB0";   // U+0130
constexpr std::string_view kDotAbove = "\xCC\x87";  // U+0307

void FoldAscii(std::string_view word, std::string* out) {
  out->resize(word.size());
  std::transform(word.begin(), word.end(), out->begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The two letters whose lower case in Turkish is not Unicode's default (SpecialCasing.txt, "tr"):
// done before folding, which leaves ı and i alone.
std::string LowerTurkicI(std::string_view word) {
  std::string out;
  while (!word.empty()) {
    size_t taken = 1;
    if (word.starts_with(kDottedI)) {
      out += 'i';
      taken = kDottedI.size();
    } else if (word[0] == 'I' && word.substr(1).starts_with(kDotAbove)) {
      out += 'i';
      taken = 1 + kDotAbove.size();
    } else if (word[0] == 'I') {
      out += kDotlessI;
    } else {
      out += word[0];
    }
    word.remove_prefix(taken);
  }
  return out;
}

std::vector<std::string> FoldList(std::string_view words) {
  std::vector<std::string> list;
  while (!words.empty()) {
    const size_t end = std::min(words.find(' '), words.size());
    FoldWord(words.substr(0, end), &list.emplace_back());
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  std::sort(list.begin(), list.end());
  return list;
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

TermMaker::TermMaker(const Language* language) : language_(language) {
  if (language == nullptr) return;
  stop_words_ = FoldList(language->stop_words);
  elisions_ = FoldList(language->elisions);
  for (const std::string& word : stop_words_) {
    stop_word_bytes_max_ = std::max(stop_word_bytes_max_, word.size());
  }
  stemmer_.emplace(language->name);
}

std::string TermMaker::Make(std::string_view word, std::string* folded) {
  std::string term;
  Fold(word, &term);
  DropElision(&term);
  if (term.ends_with("'s")) term.resize(term.size() - 2);
  if (folded != nullptr) *folded = term;
  if (IsStopWord(term)) return {};
  if (term.size() > kTermBytesMax) {
    CutLongTerm(&term);
  } else if (stemmer_.has_value()) {
    stemmer_->Stem(&term);
  }
  return term;
}

void TermMaker::Fold(std::string_view word, std::string* folded) const {
  if (language_ != nullptr && language_->is_turkic) {
    FoldWord(LowerTurkicI(word), folded);
  } else if (IsAscii(word)) {
    FoldAscii(word, folded);
  } else {
    FoldWord(word, folded);
  }
}

void TermMaker::DropElision(std::string* folded) const {
  if (language_ == nullptr) return;
  const size_t apostrophe = folded->find('\'');
  if (apostrophe == std::string::npos || apostrophe == 0) return;
  if (language_->is_turkic) {
    folded->resize(apostrophe);
  } else if (apostrophe + 1 < folded->size() &&
             std::binary_search(elisions_.begin(), elisions_.end(),
                                std::string_view(*folded).substr(0, apostrophe))) {
    folded->erase(0, apostrophe + 1);
  }
}

bool TermMaker::IsStopWord(std::string_view folded) const {
  return folded.size() <= stop_word_bytes_max_ &&
         std::binary_search(stop_words_.begin(), stop_words_.end(), folded);
}

}  // namespace libkv
