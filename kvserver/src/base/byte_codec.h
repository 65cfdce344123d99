// Numbers and byte strings in messages and rows: varints (LEB128), fixed big-endian numbers, and
// bytes behind their length.
#ifndef KVSERVER_SRC_BASE_BYTE_CODEC_H_
#define KVSERVER_SRC_BASE_BYTE_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace kvserver {

inline void AppendVarint(std::string& out, uint64_t v) {
  for (; v >= 0x80; v >>= 7) out.push_back(static_cast<char>(v | 0x80));
  out.push_back(static_cast<char>(v));
}

inline void AppendFixed64(std::string& out, uint64_t v) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
}

inline void AppendBytes(std::string& out, std::string_view bytes) {
  AppendVarint(out, bytes.size());
  out += bytes;
}

// Takes from the front of a byte string. Every call answers false, and changes nothing that counts,
// when what it asks for is not there; the shortest form of a number is the only one accepted.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  bool Byte(uint8_t* v) {
    if (rest_.empty()) return false;
    *v = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return true;
  }

  bool Varint(uint64_t* v) {
    uint64_t value = 0;
    for (size_t i = 0; i < rest_.size() && i < 10; ++i) {
      const auto byte = static_cast<uint8_t>(rest_[i]);
      if (i == 9 && byte > 1) return false;
      value |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
      if (byte >= 0x80) continue;
      if (byte == 0 && i > 0) return false;
      rest_.remove_prefix(i + 1);
      *v = value;
      return true;
    }
    return false;
  }

  bool Fixed64(uint64_t* v) {
    if (rest_.size() < 8) return false;
    *v = 0;
    for (size_t i = 0; i < 8; ++i) *v = *v << 8 | static_cast<uint8_t>(rest_[i]);
    rest_.remove_prefix(8);
    return true;
  }

  // A view of what was given to the constructor.
  bool Bytes(std::string_view* v) {
    uint64_t size = 0;
    if (!Varint(&size)) return false;
    return Raw(size, v);
  }
  bool Raw(uint64_t size, std::string_view* v) {
    if (size > rest_.size()) return false;
    *v = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest() const { return rest_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_BYTE_CODEC_H_
