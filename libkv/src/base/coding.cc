#include "base/coding.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace libkv {

void AppendFixed16(std::string& out, uint16_t v) {
  char bytes[2];
  StoreFixed16(bytes, v);
  out.append(bytes, sizeof bytes);
}

void AppendFixed32(std::string& out, uint32_t v) {
  char bytes[4];
  StoreFixed32(bytes, v);
  out.append(bytes, sizeof bytes);
}

void AppendFixed40(std::string& out, uint64_t v) {
  char bytes[5];
  StoreFixed40(bytes, v);
  out.append(bytes, sizeof bytes);
}

void AppendFixed64(std::string& out, uint64_t v) {
  char bytes[8];
  StoreFixed64(bytes, v);
  out.append(bytes, sizeof bytes);
}

void AppendVarint(std::string& out, uint64_t v) {
  char bytes[kVarintBytesMax];
  out.append(bytes, static_cast<size_t>(StoreVarint(bytes, v) - bytes));
}

void AppendBytes(std::string& out, std::string_view bytes) {
  AppendVarint(out, bytes.size());
  out += bytes;
}

uint64_t OrderedFromDouble(double v) {
  if (v == 0) v = 0;  // -0 and 0 are one number
  if (std::isnan(v)) v = std::numeric_limits<double>::quiet_NaN();
  const auto bits = std::bit_cast<uint64_t>(v);
  // Negative numbers sort backwards in their bits: flip them all; positive ones only need to
  // come after.
  return (bits >> 63) != 0 ? ~bits : bits | uint64_t{1} << 63;
}

double DoubleFromOrdered(uint64_t ordered) {
  const bool positive = (ordered >> 63) != 0;
  return std::bit_cast<double>(positive ? ordered & ~(uint64_t{1} << 63) : ~ordered);
}

bool Reader::Fail() {
  ok_ = false;
  rest_ = {};
  return false;
}

bool Reader::Take(size_t count, std::string_view* bytes) {
  if (rest_.size() < count) return Fail();
  *bytes = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return ok_;
}

bool Reader::Fixed8(uint8_t* v) {
  std::string_view bytes;
  if (!Take(1, &bytes)) return false;
  *v = static_cast<uint8_t>(bytes[0]);
  return true;
}

bool Reader::Fixed16(uint16_t* v) {
  std::string_view bytes;
  if (!Take(2, &bytes)) return false;
  *v = LoadFixed16(bytes.data());
  return true;
}

bool Reader::Fixed32(uint32_t* v) {
  std::string_view bytes;
  if (!Take(4, &bytes)) return false;
  *v = LoadFixed32(bytes.data());
  return true;
}

bool Reader::Fixed40(uint64_t* v) {
  std::string_view bytes;
  if (!Take(5, &bytes)) return false;
  *v = LoadFixed40(bytes.data());
  return true;
}

bool Reader::Fixed64(uint64_t* v) {
  std::string_view bytes;
  if (!Take(8, &bytes)) return false;
  *v = LoadFixed64(bytes.data());
  return true;
}

bool Reader::LongVarint(uint64_t* v) {
  uint64_t result = 0;
  const size_t most = std::min(rest_.size(), kVarintBytesMax);
  for (size_t i = 0; i < most; ++i) {
    const auto byte = static_cast<uint8_t>(rest_[i]);
    if (i == kVarintBytesMax - 1 && byte > 1) break;  // more than 64 bits
    result |= uint64_t{byte & 0x7fu} << (7 * i);
    if (byte >= 0x80) continue;
    *v = result;
    rest_.remove_prefix(i + 1);
    return true;
  }
  return Fail();
}

bool Reader::LongVarint32(uint32_t* v) {
  uint64_t wide;
  if (!LongVarint(&wide)) return false;
  if (wide > std::numeric_limits<uint32_t>::max()) return Fail();
  *v = static_cast<uint32_t>(wide);
  return true;
}

}  // namespace libkv
