// The KVFORMAT file: what a store is, readable without opening the database.
//
//   file := "libkv store\n" "format " number "\n" "min_reader " number "\n" { further line "\n" }
#ifndef LIBKV_SRC_FORMAT_KVFORMAT_FILE_H_
#define LIBKV_SRC_FORMAT_KVFORMAT_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace libkv {

inline constexpr std::string_view kFormatFileName = "KVFORMAT";

std::string EncodeFormatFile(uint32_t format, uint32_t min_reader);

// DataLoss: malformed.
absl::Status ParseFormatFile(std::string_view text, uint32_t* format, uint32_t* min_reader);

// FailedPrecondition, naming both numbers, when this library is too old to read such a store.
absl::Status CheckFormat(uint32_t format, uint32_t min_reader);

}  // namespace libkv

#endif  // LIBKV_SRC_FORMAT_KVFORMAT_FILE_H_
