// Numbers that are read in place, many at a time: least significant byte first.
#ifndef LIBKV_SRC_SEGMENT_LITTLE_ENDIAN_H_
#define LIBKV_SRC_SEGMENT_LITTLE_ENDIAN_H_

#include <bit>
#include <cstdint>
#include <cstring>

namespace libkv {

inline uint16_t LoadLittle16(const char* in) {
  uint16_t v;
  std::memcpy(&v, in, sizeof v);
  return std::endian::native == std::endian::little ? v : __builtin_bswap16(v);
}
inline uint32_t LoadLittle32(const char* in) {
  uint32_t v;
  std::memcpy(&v, in, sizeof v);
  return std::endian::native == std::endian::little ? v : __builtin_bswap32(v);
}
inline void StoreLittle16(char* out, uint16_t v) {
  if constexpr (std::endian::native != std::endian::little) v = __builtin_bswap16(v);
  std::memcpy(out, &v, sizeof v);
}
inline void StoreLittle32(char* out, uint32_t v) {
  if constexpr (std::endian::native != std::endian::little) v = __builtin_bswap32(v);
  std::memcpy(out, &v, sizeof v);
}

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_LITTLE_ENDIAN_H_
