// Numbers as clients spell them.
#ifndef KVSERVER_SRC_BASE_NUMBERS_H_
#define KVSERVER_SRC_BASE_NUMBERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvserver {

// A decimal integer of 64 bits in its only canonical spelling: no spaces, no plus sign, no leading
// zeros, no "-0".
std::optional<int64_t> ParseInteger(std::string_view text);

// A decimal number, or inf; never NaN. No spaces.
std::optional<double> ParseDouble(std::string_view text);
std::optional<long double> ParseLongDouble(std::string_view text);

void AppendInteger(std::string& out, int64_t value);

// The shortest spelling that reads back as `value`; integers without a point, "inf" and "-inf".
std::string DoubleText(double value);

// With up to 17 digits after the point and no zeros at their end: how sums of floats are stored.
std::string LongDoubleText(long double value);

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_NUMBERS_H_
