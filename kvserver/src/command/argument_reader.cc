#include "command/argument_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/numbers.h"

namespace kvserver {
namespace {

constexpr size_t kQuotedBytesMax = 64;

char ToUpper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return ToUpper(x) == ToUpper(y); });
}

std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text.substr(0, kQuotedBytesMax)) {
    quoted += static_cast<unsigned char>(c) < ' ' || c == 127 ? ' ' : c;
  }
  quoted += text.size() > kQuotedBytesMax ? "...'" : "'";
  return quoted;
}

bool ArgumentReader::NextOption() {
  if (!ok() || at_ == arguments_.size()) return false;
  option_ = arguments_[at_++];
  return true;
}

bool ArgumentReader::Is(std::string_view word) const { return EqualsIgnoringCase(option_, word); }

std::string_view ArgumentReader::Bytes() {
  if (!ok()) return {};
  if (at_ == arguments_.size()) {
    Fail((option_.empty() ? std::string("the command") : std::string(option_.substr(0, 32))) +
         " needs a value");
    return {};
  }
  return arguments_[at_++];
}

int64_t ArgumentReader::Integer(int64_t least, int64_t most) {
  const std::string_view text = Bytes();
  if (!ok()) return least;
  const auto value = ParseInteger(text);
  if (value && *value >= least && *value <= most) return *value;
  Fail(std::string(option_.substr(0, 32)) + " must be an integer from " + std::to_string(least) +
       " to " + std::to_string(most) + ", not " + Quoted(text));
  return least;
}

size_t ArgumentReader::Count(size_t least, size_t most) {
  most = std::min<size_t>(most, INT64_MAX);
  return static_cast<size_t>(Integer(static_cast<int64_t>(least), static_cast<int64_t>(most)));
}

double ArgumentReader::Number(double least, double most) {
  const std::string_view text = Bytes();
  if (!ok()) return least;
  const auto value = ParseDouble(text);
  if (value && *value >= least && *value <= most) return *value;
  Fail(std::string(option_.substr(0, 32)) + " must be a number from " + DoubleText(least) + " to " +
       DoubleText(most) + ", not " + Quoted(text));
  return least;
}

bool ArgumentReader::TakeWord(std::string_view word) {
  if (left() == 0 || !EqualsIgnoringCase(arguments_[at_], word)) return false;
  ++at_;
  return true;
}

void ArgumentReader::Unknown() { Fail("unknown option " + Quoted(option_)); }

void ArgumentReader::Fail(std::string message) {
  if (error_.empty()) error_ = "ERR " + std::move(message);
}

}  // namespace kvserver
