// Numbers as bytes. Fixed-width integers are big-endian, so that their bytes sort as they do;
// varints are LEB128, seven bits a byte, least significant first.
#ifndef LIBKV_SRC_BASE_CODING_H_
#define LIBKV_SRC_BASE_CODING_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace libkv {

inline constexpr size_t kVarintBytesMax = 10;

inline void StoreFixed16(char* out, uint16_t v) {
  v = __builtin_bswap16(v);
  std::memcpy(out, &v, sizeof v);
}
inline void StoreFixed32(char* out, uint32_t v) {
  v = __builtin_bswap32(v);
  std::memcpy(out, &v, sizeof v);
}
inline void StoreFixed64(char* out, uint64_t v) {
  v = __builtin_bswap64(v);
  std::memcpy(out, &v, sizeof v);
}
inline uint16_t LoadFixed16(const char* in) {
  uint16_t v;
  std::memcpy(&v, in, sizeof v);
  return __builtin_bswap16(v);
}
inline uint32_t LoadFixed32(const char* in) {
  uint32_t v;
  std::memcpy(&v, in, sizeof v);
  return __builtin_bswap32(v);
}
inline uint64_t LoadFixed64(const char* in) {
  uint64_t v;
  std::memcpy(&v, in, sizeof v);
  return __builtin_bswap64(v);
}

// Five bytes, big-endian: document ids.
inline void StoreFixed40(char* out, uint64_t v) {
  out[0] = static_cast<char>(v >> 32);
  StoreFixed32(out + 1, static_cast<uint32_t>(v));
}
inline uint64_t LoadFixed40(const char* in) {
  return uint64_t{static_cast<uint8_t>(in[0])} << 32 | LoadFixed32(in + 1);
}

void AppendFixed16(std::string& out, uint16_t v);
void AppendFixed32(std::string& out, uint32_t v);
void AppendFixed40(std::string& out, uint64_t v);
void AppendFixed64(std::string& out, uint64_t v);

// Writes at most kVarintBytesMax bytes; returns one past the last.
inline char* StoreVarint(char* out, uint64_t v) {
  while (v >= 0x80) {
    *out++ = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  *out++ = static_cast<char>(v);
  return out;
}
void AppendVarint(std::string& out, uint64_t v);
void AppendBytes(std::string& out, std::string_view bytes);  // varint length, then the bytes

// A double as eight bytes that sort as the numbers do: -inf < ... < -0 = 0 < ... < inf < NaN.
uint64_t OrderedFromDouble(double v);
double DoubleFromOrdered(uint64_t ordered);

// Reads numbers off the front of untrusted bytes. After the first failure every read fails.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool Fixed8(uint8_t* v);
  bool Fixed16(uint16_t* v);
  bool Fixed32(uint32_t* v);
  bool Fixed40(uint64_t* v);
  bool Fixed64(uint64_t* v);
  // Most are of one byte: those are read here.
  bool Varint(uint64_t* v) {
    if (rest_.empty() || static_cast<uint8_t>(rest_[0]) >= 0x80) return LongVarint(v);
    *v = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return true;
  }
  bool Varint32(uint32_t* v) {  // fails above 2^32 - 1
    if (rest_.empty() || static_cast<uint8_t>(rest_[0]) >= 0x80) return LongVarint32(v);
    *v = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return true;
  }
  bool Take(size_t count, std::string_view* bytes);
  bool Bytes(std::string_view* bytes) {  // varint length, then the bytes
    uint64_t count = 0;
    if (!Varint(&count)) return false;
    if (count > rest_.size()) return Fail();
    *bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return true;
  }

  std::string_view rest() const { return rest_; }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }

 private:
  bool Fail();
  bool LongVarint(uint64_t* v);
  bool LongVarint32(uint32_t* v);

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace libkv

#endif  // LIBKV_SRC_BASE_CODING_H_
