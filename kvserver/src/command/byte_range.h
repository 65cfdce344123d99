// Ranges within a value as GETRANGE, BITCOUNT and BITPOS take them: from the first up to and with
// the last place, where -1 is the end, -2 the place before it, and so on.
#ifndef KVSERVER_SRC_COMMAND_BYTE_RANGE_H_
#define KVSERVER_SRC_COMMAND_BYTE_RANGE_H_

#include <cstddef>
#include <cstdint>

namespace kvserver {

struct ByteRange {
  size_t begin = 0, count = 0;
};

// Both from the end, and in the wrong order: nothing, for GETRANGE and BITCOUNT.
constexpr bool IsReversed(int64_t first, int64_t last) {
  return first < 0 && last < 0 && first > last;
}

// The part of [0, size) that it is; what lies beyond either end is left out.
constexpr ByteRange RangeWithin(int64_t first, int64_t last, size_t size) {
  const auto length = static_cast<int64_t>(size);
  // A place before the start is the start, for both ends.
  if (first < 0) first = first + length > 0 ? first + length : 0;
  if (last < 0) last = last + length > 0 ? last + length : 0;
  if (last >= length) last = length - 1;
  if (first > last) return {};
  return {static_cast<size_t>(first), static_cast<size_t>(last - first + 1)};
}

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_BYTE_RANGE_H_
