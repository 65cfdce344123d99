#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace kvserver {
namespace {

// Bytes of the sequence at the beginning of `text`, which is not ASCII; 0: it is not one.
size_t SequenceBytes(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto is_trail = [&](size_t i) { return (at(i) & 0xC0) == 0x80; };
  const uint8_t lead = at(0);
  if (lead >= 0xC2 && lead <= 0xDF) return text.size() >= 2 && is_trail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (text.size() < 3 || !is_trail(1) || !is_trail(2)) return 0;
    const bool is_overlong = lead == 0xE0 && at(1) < 0xA0;
    const bool is_surrogate = lead == 0xED && at(1) >= 0xA0;
    return is_overlong || is_surrogate ? 0 : 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (text.size() < 4 || !is_trail(1) || !is_trail(2) || !is_trail(3)) return 0;
    const bool is_overlong = lead == 0xF0 && at(1) < 0x90;
    const bool is_too_high = lead == 0xF4 && at(1) >= 0x90;
    return is_overlong || is_too_high ? 0 : 4;
  }
  return 0;
}

}  // namespace

bool IsUtf8(std::string_view bytes) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  size_t at = 0;
  while (at < bytes.size()) {
    uint64_t eight = 0;
    if (at + sizeof(eight) <= bytes.size()) {
      std::memcpy(&eight, bytes.data() + at, sizeof(eight));
      if ((eight & kHighBits) == 0) {
        at += sizeof(eight);
        continue;
      }
    }
    if (static_cast<uint8_t>(bytes[at]) < 0x80) {
      ++at;
      continue;
    }
    const size_t length = SequenceBytes(bytes.substr(at));
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace kvserver
