// Decimal numbers as they are spelled, compared exactly: the same on every machine, and for numbers
// that no double holds.
#ifndef KVSERVER_SRC_BASE_DECIMAL_H_
#define KVSERVER_SRC_BASE_DECIMAL_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvserver {

struct Decimal {
  bool is_negative = false;
  std::string digits;    // without zeros at either end; none: zero
  int64_t exponent = 0;  // of the point, which is before the first digit

  friend bool operator==(const Decimal&, const Decimal&) = default;
};

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);

// A number as in JSON, and zeros in front: "-12", "007", "1.50", "3e-4". nullopt: something else
// (inf and NaN too), or an exponent of more than nine digits.
std::optional<Decimal> ParseDecimal(std::string_view text);

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_DECIMAL_H_
