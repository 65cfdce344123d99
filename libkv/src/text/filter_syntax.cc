#include "text/filter_syntax.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "text/white_space.h"

namespace libkv {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::string_view kAfterDigits = ":";  // the character behind '9'
constexpr std::string_view kBadRange = "a range that is not [first TO last]";

// A bound or value as written.
struct Literal {
  std::string_view text;
  bool is_quoted = false;
};

bool IsBoundNone(const std::optional<Literal>& bound) {
  return !bound.has_value() || (bound->text == "*" && !bound->is_quoted);
}

std::optional<double> NumberOf(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_it = error == std::errc() && end == text.data() + text.size();
  if (!is_it || !std::isfinite(number)) return std::nullopt;
  return number;
}

size_t QuoteBytes(std::string_view text) {
  if (text.starts_with('"')) return 1;
  return text.starts_with("\xE2\x80\x9C") || text.starts_with("\xE2\x80\x9D") ? 3 : 0;
}

void SkipBlanks(std::string_view text, size_t* at) {
  while (const size_t blank = WhiteSpaceBytes(text.substr(*at))) *at += blank;
}

// What is in quotes at `*at`; nothing: the quotes are never closed.
std::optional<Literal> TakeQuoted(std::string_view text, size_t* at) {
  *at += QuoteBytes(text.substr(*at));
  const size_t begin = *at;
  for (; *at < text.size(); ++*at) {
    const size_t quote = QuoteBytes(text.substr(*at));
    if (quote == 0) continue;
    const Literal literal{text.substr(begin, *at - begin), true};
    *at += quote;
    return literal;
  }
  return std::nullopt;
}

// The same of a bound in brackets.
std::optional<Literal> TakeBound(std::string_view text, size_t* at) {
  SkipBlanks(text, at);
  if (QuoteBytes(text.substr(*at)) > 0) return TakeQuoted(text, at);
  const size_t begin = *at;
  while (*at < text.size() && text[*at] != ']' && WhiteSpaceBytes(text.substr(*at)) == 0) ++*at;
  if (*at == begin) return std::nullopt;
  return Literal{text.substr(begin, *at - begin), false};
}

class FilterMaker {
 public:
  FilterMaker(std::string_view field, std::vector<FieldFilter>* ranges)
      : field_(field), ranges_(*ranges) {}

  void Any() { ranges_.push_back({.field = field_}); }

  void Value(std::string_view text) {
    Only(std::string(text));
    if (text == "null") Only(nullptr);
    if (text == "true" || text == "false") Only(text == "true");
    if (const std::optional<double> number = NumberOf(text)) Only(*number);
  }

  void Beginning(std::string_view text) {
    FieldFilter& range = ranges_.emplace_back(FieldFilter{.field = field_});
    range.first = range.last = std::string(text);
    range.by_beginning = true;
  }

  void Range(const std::optional<Literal>& first, const std::optional<Literal>& last,
             bool after_first, bool before_last) {
    const bool has_first = !IsBoundNone(first), has_last = !IsBoundNone(last);
    if (!has_first && !has_last) return Any();
    const std::optional<double> least = has_first ? NumberOf(first->text) : -kInfinity;
    const std::optional<double> greatest = has_last ? NumberOf(last->text) : kInfinity;
    const bool are_numbers = least.has_value() && greatest.has_value();
    if (are_numbers) {
      ranges_.push_back(
          {field_, *least, *greatest, has_first && after_first, has_last && before_last});
    }
    FieldFilter text{.field = field_, .by_beginning = true};
    if (has_first) {
      text.first = std::string(first->text);
      text.after_first = after_first;
    } else {
      text.first = std::string(are_numbers ? "0" : "");
    }
    if (has_last) {
      text.last = std::string(last->text);
      text.before_last = before_last;
    } else if (are_numbers) {
      text.last = std::string(kAfterDigits);
      text.before_last = true;
    }
    ranges_.push_back(std::move(text));
  }

 private:
  void Only(FieldValue value) {
    FieldFilter& range = ranges_.emplace_back(FieldFilter{.field = field_});
    range.first = range.last = std::move(value);
  }

  const std::string field_;
  std::vector<FieldFilter>& ranges_;
};

std::string_view ParseBrackets(std::string_view text, size_t* taken, FilterMaker* make) {
  size_t at = 1;
  const std::optional<Literal> first = TakeBound(text, &at);
  SkipBlanks(text, &at);
  if (!first.has_value() || !text.substr(at).starts_with("TO")) return kBadRange;
  at += 2;
  if (at == text.size() || WhiteSpaceBytes(text.substr(at)) == 0) return kBadRange;
  const std::optional<Literal> last = TakeBound(text, &at);
  SkipBlanks(text, &at);
  if (!last.has_value() || at == text.size() || text[at] != ']') return kBadRange;
  *taken = at + 1;
  make->Range(first, last, /*after_first=*/false, /*before_last=*/false);
  return {};
}

std::string_view ParseComparison(std::string_view text, size_t bare, size_t* taken,
                                 FilterMaker* make) {
  const bool is_less = text[0] == '<';
  const bool has_equal = text.substr(1).starts_with('=');
  size_t at = has_equal ? 2 : 1;
  std::optional<Literal> bound;
  if (QuoteBytes(text.substr(at)) > 0) {
    bound = TakeQuoted(text, &at);
  } else if (at < bare) {
    bound = Literal{text.substr(at, bare - at), /*is_quoted=*/true};  // '*' is none of its own
    at = bare;
  }
  if (!bound.has_value() || bound->text.empty()) return "a comparison without a value";
  *taken = at;
  if (is_less) {
    make->Range(std::nullopt, bound, false, !has_equal);
  } else {
    make->Range(bound, std::nullopt, !has_equal, false);
  }
  return {};
}

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

}  // namespace

std::string_view FieldNameOf(std::string_view word, const std::vector<std::string>& fields) {
  std::string_view name;
  for (const std::string& field : fields) {
    const bool stands_there =
        word.size() > field.size() && word.starts_with(field) && word[field.size()] == ':';
    if (stands_there && field.size() > name.size()) name = word.substr(0, field.size());
  }
  return name;
}

bool LooksLikeField(std::string_view text) {
  size_t colon = 0;
  while (colon < text.size() && IsNameCharacter(text[colon])) ++colon;
  if (colon == 0 || colon == text.size() || text[colon] != ':') return false;
  if (text[0] != '_' && text[0] <= '9') return false;  // '-' and '.' too
  const std::string_view value = text.substr(colon + 1);
  return !value.empty() && value[0] != ':' && value[0] != '/' && WhiteSpaceBytes(value) == 0;
}

std::string_view ParseFilter(std::string_view field, std::string_view text, size_t bare,
                             size_t* taken, std::vector<FieldFilter>* ranges) {
  FilterMaker make(field, ranges);
  if (text.starts_with('[')) return ParseBrackets(text, taken, &make);
  if (text.starts_with('<') || text.starts_with('>')) {
    return ParseComparison(text, bare, taken, &make);
  }
  if (QuoteBytes(text) > 0) {
    size_t at = 0;
    const std::optional<Literal> value = TakeQuoted(text, &at);
    if (!value.has_value()) return "a quote that is never closed";
    *taken = at;
    make.Value(value->text);
    return {};
  }
  const std::string_view word = text.substr(0, bare);
  if (word.empty()) return "a field without a value";
  *taken = bare;
  const size_t dots = word.find("..");
  if (word == "*") {
    make.Any();
  } else if (dots != std::string_view::npos && word.size() > 2) {
    std::optional<Literal> first, last;
    if (dots > 0) first = Literal{word.substr(0, dots)};
    if (dots + 2 < word.size()) last = Literal{word.substr(dots + 2)};
    make.Range(first, last, /*after_first=*/false, /*before_last=*/false);
  } else if (word.ends_with('*')) {
    make.Beginning(word.substr(0, word.size() - 1));
  } else {
    make.Value(word);
  }
  return {};
}

}  // namespace libkv
