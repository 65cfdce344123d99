// Strings as rows of bits: the first bit is the highest one of the first byte.
#ifndef KVSERVER_SRC_BASE_BITS_H_
#define KVSERVER_SRC_BASE_BITS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kvserver {

inline bool BitAt(std::string_view bytes, size_t place) {
  return (static_cast<unsigned char>(bytes[place / 8]) >> (7 - place % 8) & 1) != 0;
}

// Of the bits [begin, begin + count), which are all there: how many are ones; the place of the
// first one that is `bit`. Eight bytes at a time.
uint64_t CountOnes(std::string_view bytes, size_t begin, size_t count);
std::optional<size_t> FindBit(std::string_view bytes, bool bit, size_t begin, size_t count);

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_BITS_H_
