#include "base/utf8.h"

#include <cstdint>

namespace libkv {
namespace {

bool IsTrail(uint8_t byte) { return (byte & 0xC0) == 0x80; }

}  // namespace

DecodedCharacter DecodeCharacter(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const uint8_t lead = at(0);
  if (lead < 0x80) return {lead, 1, true};
  constexpr DecodedCharacter kBadLead{kReplacementCharacter, 1, false};
  if (lead < 0xC2 || lead > 0xF4) return kBadLead;

  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte alone decides about overlong forms, surrogates and codes above U+10FFFF.
  const uint8_t second_min = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t second_max = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (bytes.size() < 2 || at(1) < second_min || at(1) > second_max) return kBadLead;

  char32_t code = lead & (0x7F >> length);
  code = code << 6 | (at(1) & 0x3F);
  for (size_t i = 2; i < length; ++i) {
    if (i >= bytes.size() || !IsTrail(at(i))) return {kReplacementCharacter, i, false};
    code = code << 6 | (at(i) & 0x3F);
  }
  return {code, length, true};
}

void AppendCharacter(std::string& out, char32_t code) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

bool IsValidUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const DecodedCharacter c = DecodeCharacter(bytes);
    if (!c.valid) return false;
    bytes.remove_prefix(c.bytes);
  }
  return true;
}

std::string ToValidUtf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const DecodedCharacter c = DecodeCharacter(bytes);
    if (c.valid) {
      out += bytes.substr(0, c.bytes);
    } else {
      AppendCharacter(out, kReplacementCharacter);
    }
    bytes.remove_prefix(c.bytes);
  }
  return out;
}

bool LooksLikeText(std::string_view value) {
  if (value.find('\0') != std::string_view::npos) return false;
  constexpr size_t kLookedAt = 8 << 10;
  std::string_view head = value.substr(0, kLookedAt);
  size_t characters = 0, strange = 0;
  while (!head.empty()) {
    const DecodedCharacter c = DecodeCharacter(head);
    const bool control = c.code < 0x20 && c.code != '\t' && c.code != '\n' && c.code != '\r';
    ++characters;
    strange += !c.valid || control;
    head.remove_prefix(c.bytes);
  }
  return strange * 3 <= characters;
}

}  // namespace libkv
