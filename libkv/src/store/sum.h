// What Increment computes.
#ifndef LIBKV_SRC_STORE_SUM_H_
#define LIBKV_SRC_STORE_SUM_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace libkv {

// The decimal integer `text`, the value of `key`, plus `amount`. InvalidArgument: it is not an
// integer of 64 bits. OutOfRange: the sum would not be one.
absl::StatusOr<int64_t> Sum(std::string_view key, std::string_view text, int64_t amount);

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_SUM_H_
