#include "base/decimal.h"

#include <algorithm>

namespace kvserver {
namespace {

constexpr size_t kExponentDigitsMax = 9;

std::string_view TakeDigits(std::string_view& text) {
  const size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

bool Take(std::string_view& text, std::string_view any) {
  if (text.empty() || any.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  const auto sign = [](const Decimal& x) { return x.digits.empty() ? 0 : x.is_negative ? -1 : 1; };
  if (const auto order = sign(a) <=> sign(b); order != 0 || a.digits.empty()) return order;
  auto order = a.exponent <=> b.exponent;
  if (order == 0) order = a.digits.compare(b.digits) <=> 0;
  return a.is_negative ? 0 <=> order : order;
}

std::optional<Decimal> ParseDecimal(std::string_view text) {
  Decimal number;
  number.is_negative = Take(text, "-");
  const std::string_view whole = TakeDigits(text);
  if (whole.empty()) return std::nullopt;
  std::string_view part;
  if (Take(text, ".")) {
    part = TakeDigits(text);
    if (part.empty()) return std::nullopt;
  }
  int64_t exponent = 0;
  if (Take(text, "eE")) {
    const bool is_negative = Take(text, "-");
    if (!is_negative) Take(text, "+");
    const std::string_view digits = TakeDigits(text);
    if (digits.empty() || digits.size() > kExponentDigitsMax) return std::nullopt;
    for (const char c : digits) exponent = exponent * 10 + (c - '0');
    if (is_negative) exponent = -exponent;
  }
  if (!text.empty()) return std::nullopt;

  number.digits = std::string(whole) + std::string(part);
  const size_t zeros = std::min(number.digits.find_first_not_of('0'), number.digits.size());
  number.digits.erase(0, zeros);
  number.digits.erase(number.digits.find_last_not_of('0') + 1);
  if (number.digits.empty()) return Decimal{};
  number.exponent = exponent + static_cast<int64_t>(whole.size()) - static_cast<int64_t>(zeros);
  return number;
}

}  // namespace kvserver
