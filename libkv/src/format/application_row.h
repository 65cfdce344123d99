// A row of the application's in the default family: a name, and bytes that mean nothing here.
//
//   "row" name:rest -> 2 value checksum:u32 | 1 value checksum:u64
#ifndef LIBKV_SRC_FORMAT_APPLICATION_ROW_H_
#define LIBKV_SRC_FORMAT_APPLICATION_ROW_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace libkv {

// Appends the encoded row under `row_key` (see ApplicationRowKey) to `out`.
void AppendApplicationRow(std::string& out, std::string_view row_key, std::string_view value);

// `value` views `row`. DataLoss: damaged. FailedPrecondition: intact, but written by a newer
// version. Both name the row.
absl::Status ReadApplicationRow(std::string_view row_key, std::string_view row,
                                std::string_view* value);

}  // namespace libkv

#endif  // LIBKV_SRC_FORMAT_APPLICATION_ROW_H_
