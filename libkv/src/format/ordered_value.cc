#include "format/ordered_value.h"

#include <cstdint>

#include "base/coding.h"
#include "base/hash.h"

namespace libkv {
namespace {

enum Type : uint8_t { kNull = 0x10, kBool = 0x20, kNumber = 0x30, kText = 0x40 };
enum AfterZero : uint8_t { kEnd = 0x01, kHashed = 0x02, kZeroByte = 0xff };
constexpr size_t kHashBytes = 16;

}  // namespace

std::string OrderedNull() { return {static_cast<char>(kNull)}; }

std::string OrderedBool(bool value) { return {static_cast<char>(kBool), value ? '\1' : '\0'}; }

std::string OrderedNumber(double value) {
  std::string out{static_cast<char>(kNumber)};
  AppendFixed64(out, OrderedFromDouble(value));
  return out;
}

std::string OrderedTextBeginning(std::string_view text) {
  std::string out{static_cast<char>(kText)};
  for (const char c : text.substr(0, kOrderedTextBytesMax)) {
    out += c;
    if (c == '\0') out += static_cast<char>(kZeroByte);
  }
  return out;
}

std::string OrderedText(std::string_view text) {
  std::string out = OrderedTextBeginning(text);
  out += '\0';
  if (text.size() <= kOrderedTextBytesMax) {
    out += static_cast<char>(kEnd);
    return out;
  }
  out += static_cast<char>(kHashed);
  const Hash128 hash = HashWide(text);
  AppendFixed64(out, hash.high);
  AppendFixed64(out, hash.low);
  return out;
}

size_t OrderedValueBytes(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const auto if_there = [&](size_t count) { return bytes.size() >= count ? count : 0; };
  switch (at(0)) {
    case kNull:
      return 1;
    case kBool:
      return if_there(2);
    case kNumber:
      return if_there(9);
    case kText:
      break;
    default:
      return 0;
  }
  for (size_t i = 1; i + 1 < bytes.size(); ++i) {
    if (at(i) != 0) continue;
    if (at(i + 1) == kEnd) return i + 2;
    if (at(i + 1) == kHashed) return if_there(i + 2 + kHashBytes);
    if (at(i + 1) != kZeroByte) return 0;
    ++i;
  }
  return 0;
}

bool ParseOrderedValue(std::string_view ordered, OrderedValue* value) {
  if (ordered.empty() || OrderedValueBytes(ordered) != ordered.size()) return false;
  *value = {};
  switch (static_cast<uint8_t>(ordered[0])) {
    case kNull:
      return true;
    case kBool:
      value->kind = OrderedValue::Kind::kBool;
      value->boolean = ordered[1] != 0;
      return true;
    case kNumber:
      value->kind = OrderedValue::Kind::kNumber;
      value->number = DoubleFromOrdered(LoadFixed64(ordered.data() + 1));
      return true;
    default:
      break;
  }
  value->kind = OrderedValue::Kind::kText;
  for (size_t i = 1; i < ordered.size(); ++i) {
    if (ordered[i] != '\0') {
      value->text += ordered[i];
      continue;
    }
    const auto after = static_cast<uint8_t>(ordered[++i]);
    if (after != kZeroByte) {
      value->text_is_cut = after == kHashed;
      return true;
    }
    value->text += '\0';
  }
  return true;
}

}  // namespace libkv
