#include "command/filter_expression.h"

#include <limits>
#include <optional>
#include <string>

#include "base/numbers.h"
#include "command/argument_reader.h"

namespace kvserver {
namespace {

using libkv::FieldFilter;
using libkv::FieldValue;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool IsPathCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

class ExpressionParser {
 public:
  explicit ExpressionParser(std::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<FieldFilter>> Parse() {
    do {
      if (!ParseTest()) return Wrong();
    } while (TakeAnd());
    SkipBlanks();
    if (at_ != text_.size()) return Wrong();
    if (filters_.size() > libkv::kFiltersMax) {
      return absl::InvalidArgumentError("FILTER has more than 64 tests");
    }
    return std::move(filters_);
  }

 private:
  absl::Status Wrong() const {
    return absl::InvalidArgumentError(
        "FILTER is not understood from byte " + std::to_string(at_) +
        " on: it may have tests such as .year >= 2000 and .genre == \"drama\", joined by 'and'");
  }

  void SkipBlanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool Take(std::string_view word) {
    SkipBlanks();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  bool TakeAnd() { return Take("&&") || Take("and") || Take("AND"); }

  // Brackets around one test; counted, so that no nesting goes deep.
  bool ParseTest() {
    size_t open = 0;
    while (Take("(")) ++open;
    if (!ParseComparison()) return false;
    for (; open > 0; --open) {
      if (!Take(")")) return false;
    }
    return true;
  }

  bool ParseComparison() {
    if (!Take(".")) return false;
    const size_t begin = at_;
    while (at_ < text_.size() && IsPathCharacter(text_[at_])) ++at_;
    if (at_ == begin) return false;
    FieldFilter filter{.field = std::string(text_.substr(begin, at_ - begin))};
    std::string_view op;
    for (const std::string_view known : {"==", ">=", "<=", ">", "<"}) {
      if (op.empty() && Take(known)) op = known;
    }
    if (op.empty()) return false;
    const size_t before = at_;
    const std::optional<FieldValue> value = ParseValue();
    if (!value) return false;
    if (op != "==" && !std::holds_alternative<double>(*value)) {
      at_ = before;
      return false;
    }
    filter.first = op[0] == '<' ? FieldValue(-kInfinity) : *value;
    filter.last = op[0] == '>' ? FieldValue(kInfinity) : *value;
    filter.after_first = op == ">";
    filter.before_last = op == "<";
    filters_.push_back(std::move(filter));
    return true;
  }

  std::optional<FieldValue> ParseValue() {
    if (Take("true")) return true;
    if (Take("false")) return false;
    SkipBlanks();
    if (at_ == text_.size()) return std::nullopt;
    const char quote = text_[at_];
    if (quote == '"' || quote == '\'') return ParseText(quote);
    size_t end = at_;
    while (end < text_.size() &&
           std::string_view("+-.0123456789eE").find(text_[end]) != std::string_view::npos) {
      ++end;
    }
    const auto number = ParseDouble(text_.substr(at_, end - at_));
    if (!number) return std::nullopt;
    at_ = end;
    return *number;
  }

  std::optional<FieldValue> ParseText(char quote) {
    std::string text;
    for (size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == quote) {
        at_ = i + 1;
        return text;
      }
      if (text_[i] == '\\' && i + 1 < text_.size()) ++i;
      text += text_[i];
    }
    return std::nullopt;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<FieldFilter> filters_;
};

}  // namespace

absl::StatusOr<std::vector<FieldFilter>> ParseFilterExpression(std::string_view text) {
  return ExpressionParser(text).Parse();
}

}  // namespace kvserver
