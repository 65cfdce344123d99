// Signed differences as varints: small ones of either sign become small numbers.
#ifndef LIBKV_SRC_SEGMENT_ZIGZAG_H_
#define LIBKV_SRC_SEGMENT_ZIGZAG_H_

#include <cstdint>

namespace libkv {

// 0, -1, 1, -2 are 0, 1, 2, 3.
constexpr uint64_t ZigZag(int64_t v) {
  return static_cast<uint64_t>(v) << 1 ^ static_cast<uint64_t>(v >> 63);
}
constexpr int64_t UnZigZag(uint64_t v) { return static_cast<int64_t>(v >> 1 ^ (~(v & 1) + 1)); }

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_ZIGZAG_H_
