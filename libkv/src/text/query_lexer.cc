#include "text/query_lexer.h"

#include <utility>

#include "base/strings.h"
#include "text/query.h"
#include "text/white_space.h"

namespace libkv {
namespace {

using Kind = QueryToken::Kind;

// '"' and the curly quotes that keyboards of telephones and word processors put in its place.
size_t QuoteBytes(std::string_view text) {
  if (text.starts_with('"')) return 1;
  const bool curly = text.starts_with("\xE2\x80\x9C") || text.starts_with("\xE2\x80\x9D") ||
                     text.starts_with("\xE2\x80\x9E");
  return curly ? 3 : 0;
}

bool EndsWord(std::string_view rest) {
  return rest.empty() || rest[0] == '(' || rest[0] == ')' || rest[0] == '|' ||
         QuoteBytes(rest) > 0 || WhiteSpaceBytes(rest) > 0;
}

// The part of `phrase` with its first `words_max` words; `*words` is how many it has.
std::string_view FirstWords(std::string_view phrase, size_t words_max, size_t* words) {
  *words = 0;
  bool in_word = false;
  for (size_t at = 0; at < phrase.size();) {
    const std::string_view rest = phrase.substr(at);
    const size_t blank = WhiteSpaceBytes(rest);
    if (blank == 0 && !in_word) {
      if (*words == words_max) return phrase.substr(0, at);
      ++*words;
    }
    in_word = blank == 0;
    at += blank > 0 ? blank : DecodeCharacter(rest).bytes;
  }
  return phrase;
}

class Lexer {
 public:
  Lexer(std::string_view query, QueryProblems* problems) : query_(query), problems_(problems) {}

  std::vector<QueryToken> Run() {
    CutToBound();
    while (at_ < query_.size()) Next();
    if (!open_.empty()) {
      problems_->Add(open_.back(), "a parenthesis that is never closed",
                     "it was closed at the end");
    }
    for (; !open_.empty(); open_.pop_back()) Push(Kind::kClose, query_.size());
    Push(Kind::kEnd, query_.size());
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return query_.substr(at_); }

  void Push(Kind kind, size_t offset, std::string_view text = {}) {
    tokens_.push_back({kind, offset, text});
  }

  void CutToBound() {
    if (query_.size() <= kQueryBytesMax) return;
    problems_->Add(kQueryBytesMax, "the query is longer than 64 KiB", "the rest was left out");
    size_t end = kQueryBytesMax;
    for (int back = 0; back < 3 && (static_cast<unsigned char>(query_[end]) & 0xC0) == 0x80; ++back)
      --end;
    query_ = query_.substr(0, end);
  }

  void Next() {
    const std::string_view text = rest();
    if (const size_t blank = WhiteSpaceBytes(text); blank > 0) {
      at_ += blank;
      starts_term_ = true;
    } else if (text[0] == '(') {
      Open();
    } else if (text[0] == ')') {
      Close();
    } else if (text[0] == '|') {
      Push(Kind::kOr, at_);
      while (at_ < query_.size() && query_[at_] == '|') ++at_;
      starts_term_ = true;
    } else if (const size_t quote = QuoteBytes(text); quote > 0) {
      Phrase(quote);
    } else if (starts_term_ && (text[0] == '-' || text[0] == '+')) {
      Sign();
    } else {
      BareWord();
    }
  }

  void Open() {
    starts_term_ = true;
    after_sign_ = false;
    if (open_.size() < kQueryDepthMax) {
      Push(Kind::kOpen, at_);
      open_.push_back(at_);
    } else {
      ++too_deep_;
      if (!warned_of_depth_) {
        problems_->Add(at_, "more than 64 parentheses within each other",
                       "the inner ones were ignored");
      }
      warned_of_depth_ = true;
    }
    ++at_;
  }

  void Close() {
    starts_term_ = false;
    if (too_deep_ > 0) {
      --too_deep_;
    } else if (open_.empty()) {
      problems_->Add(at_, "a parenthesis that closes nothing", "it was ignored");
      starts_term_ = true;
    } else {
      Push(Kind::kClose, at_);
      open_.pop_back();
    }
    ++at_;
  }

  void Phrase(size_t quote) {
    const size_t begin = at_ + quote;
    size_t end = begin;
    while (end < query_.size() && QuoteBytes(query_.substr(end)) == 0) ++end;
    if (end == query_.size()) {
      problems_->Add(at_, "a quote that is never closed", "it was closed at the end");
    }
    const size_t offset = at_;
    at_ = end < query_.size() ? end + QuoteBytes(query_.substr(end)) : end;
    starts_term_ = after_sign_ = false;
    AddText(Kind::kPhrase, offset, query_.substr(begin, end - begin));
  }

  // '-' or '+' at the start of a term: an operator if a term follows directly. "--x" is a word.
  void Sign() {
    const std::string_view after = rest().substr(1);
    if (!after.empty() && (after[0] == '-' || after[0] == '+')) return BareWord();
    const bool operand =
        !after.empty() && WhiteSpaceBytes(after) == 0 && after[0] != ')' && after[0] != '|';
    if (operand) {
      Push(rest()[0] == '-' ? Kind::kNot : Kind::kPlus, at_);
      after_sign_ = true;
    } else {
      problems_->Add(at_, "a sign with nothing directly after it", "it was ignored");
    }
    ++at_;
    starts_term_ = false;
  }

  void BareWord() {
    const size_t begin = at_;
    while (!EndsWord(rest())) ++at_;
    const std::string_view word = query_.substr(begin, at_ - begin);
    const bool whole = !after_sign_;
    starts_term_ = after_sign_ = false;
    if (whole && (word == "AND" || word == "&" || word == "&&")) return Push(Kind::kAnd, begin);
    if (whole && word == "OR") return Push(Kind::kOr, begin);
    if (whole && word == "NOT") return Push(Kind::kNot, begin);
    AddText(Kind::kWord, begin, word);
  }

  void AddText(Kind kind, size_t offset, std::string_view text) {
    size_t words = 1;
    std::string_view kept = text;
    if (kind == Kind::kPhrase) {
      kept = FirstWords(text, kQueryTermsMax - words_, &words);
    } else if (words_ == kQueryTermsMax) {
      kept = {};
    }
    if (!kept.empty() || text.empty()) Push(kind, offset, kept);
    words_ += kept.empty() ? 0 : words;
    if (kept.size() == text.size()) return;
    problems_->Add(offset, "more than 1,024 words", "the rest was left out");
    at_ = query_.size();
  }

  std::string_view query_;
  QueryProblems* const problems_;
  size_t at_ = 0;
  bool starts_term_ = true;   // '-' and '+' count here
  bool after_sign_ = false;   // keywords do not count here
  std::vector<size_t> open_;  // where the open parentheses stand
  size_t too_deep_ = 0;       // open ones that were ignored
  size_t words_ = 0;
  bool warned_of_depth_ = false;
  std::vector<QueryToken> tokens_;
};

}  // namespace

void QueryProblems::Add(size_t offset, std::string_view what, std::string_view remedy) {
  if (first_.ok() || offset < first_offset_) {
    first_ = InvalidArgument("query, byte ", offset, ": ", what);
    first_offset_ = offset;
  }
  if (warnings_.size() < kQueryWarningsMax) {
    warnings_.push_back(Concat("Byte ", offset, ": ", what, "; ", remedy, "."));
  }
}

std::vector<QueryToken> LexQuery(std::string_view query, QueryProblems* problems) {
  return Lexer(query, problems).Run();
}

}  // namespace libkv
