#include "store/sum.h"

#include <charconv>

#include "base/strings.h"

namespace libkv {
namespace {

bool ParseInteger(std::string_view text, int64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

absl::StatusOr<int64_t> Sum(std::string_view key, std::string_view text, int64_t amount) {
  int64_t value = 0, sum = 0;
  if (!ParseInteger(text, &value)) {
    return InvalidArgument("the value of key '", Printable(key),
                           "' is not a decimal integer of 64 bits");
  }
  if (__builtin_add_overflow(value, amount, &sum)) {
    return MakeStatus(absl::StatusCode::kOutOfRange, "key '", Printable(key), "': ", value, " + ",
                      amount, " does not fit 64 bits");
  }
  return sum;
}

}  // namespace libkv
