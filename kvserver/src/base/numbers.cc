#include "base/numbers.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace kvserver {
namespace {

constexpr size_t kNumberBytesMax = 5'119;  // a long double has up to 4,933 digits before the point

// strtod and strtold read text that ends with a zero, skip spaces, take NaN, and answer infinity or
// zero to what is out of range.
template <typename Number>
std::optional<Number> ParseFloating(std::string_view text, Number (*parse)(const char*, char**)) {
  if (text.empty() || text.size() > kNumberBytesMax) return std::nullopt;
  if (text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r')) return std::nullopt;
  const std::string copy(text);
  char* end = nullptr;
  errno = 0;
  const Number value = parse(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size() || std::isnan(value)) return std::nullopt;
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

}  // namespace

std::optional<int64_t> ParseInteger(std::string_view text) {
  const size_t sign = !text.empty() && text[0] == '-' ? 1 : 0;
  if (text.size() == sign || text[sign] < '0' || text[sign] > '9') return std::nullopt;
  if (text[sign] == '0' && text.size() > 1) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(std::string_view text) {
  return ParseFloating<double>(text, &std::strtod);
}

std::optional<long double> ParseLongDouble(std::string_view text) {
  return ParseFloating<long double>(text, &std::strtold);
}

void AppendInteger(std::string& out, int64_t value) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  out.append(digits, end);
}

std::string DoubleText(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char digits[40];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  return std::string(digits, end);
}

std::string LongDoubleText(long double value) {
  char digits[kNumberBytesMax + 1];
  int length = std::snprintf(digits, sizeof(digits), "%.17Lf", value);
  while (digits[length - 1] == '0') --length;
  if (digits[length - 1] == '.') --length;
  const std::string_view text(digits, static_cast<size_t>(length));
  return text == "-0" ? "0" : std::string(text);
}

}  // namespace kvserver
