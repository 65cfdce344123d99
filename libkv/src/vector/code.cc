#include "vector/code.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/strings.h"
#include "vector/kernels.h"
#include "vector/metric.h"
#include "vector/norm.h"

namespace libkv {
namespace {

// The smallest scale whose inverse is a finite float.
constexpr float kScaleMin = std::numeric_limits<float>::min();

void AppendFloat(std::string& out, float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(bits >> shift & 0xff);
}

float LoadFloat(const char* in) {
  uint32_t bits = 0;
  for (int i = 0; i < 4; ++i) bits |= uint32_t{static_cast<uint8_t>(in[i])} << 8 * i;
  return std::bit_cast<float>(bits);
}

// No coordinate is longer than its vector. Factors of two and a little leave room for rounding and
// for norms that vanish in a float; what is let through keeps every score finite.
bool IsPlausible(const Code& code) {
  if (!(code.scale >= 0) || !(code.norm2 >= 0) || code.norm2 > 2 * kSquaredNormMax) return false;
  const double longest = 127.0 * code.scale;
  return longest * longest <= 2.0 * code.norm2 + double{kScaleMin};
}

}  // namespace

Code Encode(std::span<const float> rotated, int8_t* values) {
  const Kernels& kernels = ActiveKernels();
  const float max = kernels.max_abs(rotated.data(), rotated.size());
  if (max == 0) {
    std::fill_n(values, rotated.size(), int8_t{0});
    return {};
  }
  const float scale = std::max(max / 127.0f, kScaleMin);
  kernels.quantise(rotated.data(), 1.0f / scale, rotated.size(), values);
  return {scale, static_cast<float>(SquaredNorm(rotated))};
}

void AppendCode(std::string& out, const Code& code, std::span<const int8_t> values) {
  out.reserve(out.size() + CodeBytes(values.size()));
  AppendFloat(out, code.scale);
  AppendFloat(out, code.norm2);
  out.append(reinterpret_cast<const char*>(values.data()), values.size());
}

absl::StatusOr<CodeView> DecodeCode(std::string_view bytes, size_t padded) {
  if (bytes.size() != CodeBytes(padded)) {
    return DataLoss("a vector code has ", bytes.size(), " bytes instead of ", CodeBytes(padded));
  }
  const Code code{LoadFloat(bytes.data()), LoadFloat(bytes.data() + 4)};
  if (!IsPlausible(code)) {
    return DataLoss("a vector code has scale ", code.scale, " and squared norm ", code.norm2);
  }
  const auto* values = reinterpret_cast<const int8_t*>(bytes.data() + 8);
  return CodeView{code, {values, padded}};
}

}  // namespace libkv
