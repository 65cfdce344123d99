#include "text/query_lexer.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/strings.h"
#include "libkv/search.h"
#include "text/filter_syntax.h"
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

bool IsDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// False: `digits` is not a whole number from `least` to `most`.
bool ParseCount(std::string_view digits, uint32_t least, uint32_t most, uint32_t* count) {
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, *count);
  return error == std::errc() && stop == end && *count >= least && *count <= most;
}

bool ParseBoost(std::string_view text, double* boost) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *boost, std::chars_format::fixed);
  return error == std::errc() && stop == end && *boost > 0 && *boost <= kBoostMax;
}

class Lexer {
 public:
  Lexer(std::string_view query, QueryProblems* problems, const std::vector<std::string>* fields)
      : query_(query), problems_(problems), fields_(fields) {}

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

  void TakenAsText(size_t offset, std::string_view what) {
    problems_->Add(offset, what, "it was taken as text");
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
    QueryToken token{Kind::kClose, at_++, {}};
    if (too_deep_ > 0) {
      --too_deep_;
      TakeBoost(&token);
    } else if (open_.empty()) {
      problems_->Add(token.offset, "a parenthesis that closes nothing", "it was ignored");
      starts_term_ = true;
    } else {
      TakeBoost(&token);
      tokens_.push_back(token);
      open_.pop_back();
    }
  }

  // "^2" directly behind a phrase or a group.
  void TakeBoost(QueryToken* token) {
    if (!rest().starts_with('^')) return;
    size_t end = at_ + 1;
    while (!EndsWord(query_.substr(end))) ++end;
    double boost = 0;
    if (!ParseBoost(query_.substr(at_ + 1, end - at_ - 1), &boost)) {
      return TakenAsText(at_, "a weight that is not a number above 0 and up to 1,000");
    }
    token->boost = boost;
    at_ = end;
  }

  // "~3" directly behind a phrase.
  void TakeSlop(QueryToken* token) {
    if (!rest().starts_with('~')) return;
    size_t end = at_ + 1;
    while (!EndsWord(query_.substr(end)) && query_[end] != '^') ++end;
    const std::string_view digits = query_.substr(at_ + 1, end - at_ - 1);
    if (!IsDigits(digits)) return;
    uint32_t slop = 0;
    if (!ParseCount(digits, 0, kPhraseSlopMax, &slop)) {
      return TakenAsText(at_, "a phrase with more than 50 words in between");
    }
    token->distance = slop;
    at_ = end;
  }

  void Phrase(size_t quote) {
    const size_t begin = at_ + quote;
    size_t end = begin;
    while (end < query_.size() && QuoteBytes(query_.substr(end)) == 0) ++end;
    if (end == query_.size()) {
      problems_->Add(at_, "a quote that is never closed", "it was closed at the end");
    }
    QueryToken token{Kind::kPhrase, at_, query_.substr(begin, end - begin)};
    at_ = end < query_.size() ? end + QuoteBytes(query_.substr(end)) : end;
    starts_term_ = after_sign_ = false;
    TakeSlop(&token);
    TakeBoost(&token);
    AddText(token);
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
    const bool is_apart = starts_term_ || after_sign_;
    if (is_apart && fields_ != nullptr && Filter()) return;
    while (!EndsWord(rest())) ++at_;
    const std::string_view word = query_.substr(begin, at_ - begin);
    const bool whole = !after_sign_;
    starts_term_ = after_sign_ = false;
    if (whole && (word == "AND" || word == "&" || word == "&&")) return Push(Kind::kAnd, begin);
    if (whole && word == "OR") return Push(Kind::kOr, begin);
    if (whole && word == "NOT") return Push(Kind::kNot, begin);
    if (whole && PushNear(begin, word)) return;
    QueryToken token{Kind::kWord, begin, word};
    CutBoost(&token);
    CutMark(is_apart, &token);
    AddText(token);
  }

  // name:value. False: something else, or no good one, which has been said.
  bool Filter() {
    const std::string_view text = rest();
    size_t bare = 0;  // bytes up to the end of the word
    while (!EndsWord(text.substr(bare))) ++bare;
    const std::string_view name = FieldNameOf(text.substr(0, bare), *fields_);
    if (name.empty()) {
      if (LooksLikeField(text)) {
        TakenAsText(at_, Concat("'", text.substr(0, text.find(':')), "' is not an indexed field"));
      }
      return false;
    }
    QueryToken token{Kind::kFilter, at_, {}};
    const size_t value = name.size() + 1;
    size_t taken = 0;
    if (const std::string_view wrong =
            ParseFilter(name, text.substr(value), bare - value, &taken, &token.ranges);
        !wrong.empty()) {
      TakenAsText(at_ + value, wrong);
      return false;
    }
    token.text = text.substr(0, value + taken);
    at_ += value + taken;
    starts_term_ = after_sign_ = false;
    if (filters_++ < kFiltersMax) {
      tokens_.push_back(std::move(token));
    } else {
      problems_->Add(token.offset, "more than 64 filters", "it was left out");
    }
    return true;
  }

  // NEAR and NEAR/3. False: something else.
  bool PushNear(size_t offset, std::string_view word) {
    QueryToken token{Kind::kNear, offset, {}, 1, kNearDistanceDefault};
    if (word != "NEAR") {
      constexpr std::string_view kNear = "NEAR/";
      if (!word.starts_with(kNear) || !IsDigits(word.substr(kNear.size()))) return false;
      if (!ParseCount(word.substr(kNear.size()), 1, kNearDistanceMax, &token.distance)) {
        TakenAsText(offset, "a NEAR with a number of words that is not 1 to 50");
        return false;
      }
    }
    tokens_.push_back(token);
    return true;
  }

  // "^2" at the end of a word.
  void CutBoost(QueryToken* token) {
    const size_t sign = token->text.rfind('^');
    if (sign == std::string_view::npos || sign == 0) return;
    double boost = 0;
    if (!ParseBoost(token->text.substr(sign + 1), &boost)) {
      return TakenAsText(token->offset + sign,
                         "a weight that is not a number above 0 and up to 1,000");
    }
    token->boost = boost;
    token->text = token->text.substr(0, sign);
  }

  // '*' and "~1" at the end of a word, and the lone '*'.
  void CutMark(bool is_apart, QueryToken* token) {
    const std::string_view text = token->text;
    if (text.find_first_not_of('*') == std::string_view::npos) {
      if (is_apart && text.size() == 1) token->kind = Kind::kAll;
    } else if (text.ends_with('*')) {
      token->kind = Kind::kPrefix;
      token->text = text.substr(0, text.size() - 1);
    } else if (const size_t sign = text.rfind('~'); sign != std::string_view::npos && sign > 0) {
      const std::string_view digits = text.substr(sign + 1);
      if (!digits.empty() && !IsDigits(digits)) return;
      if (!digits.empty() && !ParseCount(digits, 1, kEditsMax, &token->distance)) {
        token->distance = 0;
        return TakenAsText(token->offset + sign, "a number of edits that is not 1 or 2");
      }
      token->kind = Kind::kFuzzy;
      token->text = text.substr(0, sign);
    }
  }

  void AddText(QueryToken token) {
    const std::string_view text = token.text;
    size_t words = 1;
    if (token.kind == Kind::kPhrase) {
      token.text = FirstWords(text, kQueryTermsMax - words_, &words);
    } else if (words_ == kQueryTermsMax) {
      token.text = {};
    }
    const bool is_cut = token.text.size() != text.size();
    if (!token.text.empty() || text.empty()) tokens_.push_back(token);
    words_ += token.text.empty() ? 0 : words;
    if (!is_cut) return;
    problems_->Add(token.offset, "more than 1,024 words", "the rest was left out");
    at_ = query_.size();
  }

  std::string_view query_;
  QueryProblems* const problems_;
  const std::vector<std::string>* const fields_;
  size_t filters_ = 0;
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

std::vector<QueryToken> LexQuery(std::string_view query, QueryProblems* problems,
                                 const std::vector<std::string>* fields) {
  return Lexer(query, problems, fields).Run();
}

}  // namespace libkv
