// Values of the small rows (format, ids, catalog, descriptors): payload, then a checksum that also
// covers the row's key.
#ifndef LIBKV_SRC_FORMAT_ROW_H_
#define LIBKV_SRC_FORMAT_ROW_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace libkv {

inline constexpr uint32_t kFormat = 1;     // what this library writes
inline constexpr uint32_t kMinReader = 1;  // the oldest that can read it

// row := payload checksum:u64
std::string SealRow(std::string_view key, std::string payload);

// False: too short, or the checksum does not match. `payload` views `row`.
bool OpenRow(std::string_view key, std::string_view row, std::string_view* payload);

}  // namespace libkv

#endif  // LIBKV_SRC_FORMAT_ROW_H_
