#include "vector/one_bit.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "vector/kernels.h"

namespace libkv {
namespace {

// Leaves room for the additions that follow.
float Finite(double x) {
  constexpr double kMost = std::numeric_limits<float>::max() / 16;
  return static_cast<float>(std::clamp(x, -kMost, kMost));
}

// Any int8. Widened first, 64 at a time as values come: compilers multiply words of 16 bits, and
// add them in pairs, by one instruction.
int32_t SquareSum(std::span<const int8_t> values) {
  constexpr size_t kStep = 64;
  int32_t sum = 0;
  for (size_t begin = 0; begin < values.size(); begin += kStep) {
    int16_t words[kStep];
    for (size_t i = 0; i < kStep; ++i) words[i] = values[begin + i];
    for (const int16_t word : words) sum += word * word;
  }
  return sum;
}

double Product(const Code& a, const Code& b, int32_t dot) {
  return double{a.scale} * b.scale * dot;
}

}  // namespace

void PackBits(size_t padded, uint8_t* block) {
  constexpr size_t kHalf = kOneBitRows / 2;
  for (size_t octet = 0; octet < padded / 8; ++octet, block += kOneBitRows) {
    uint8_t low[kHalf], high[kHalf];
    for (size_t i = 0; i < kHalf; ++i) {
      low[i] = static_cast<uint8_t>((block[i] & 15) | block[kHalf + i] << 4);
      high[i] = static_cast<uint8_t>(block[i] >> 4 | (block[kHalf + i] & 0xf0));
    }
    std::copy_n(low, kHalf, block);
    std::copy_n(high, kHalf, block + kHalf);
  }
}

void Decode(const CodeView& code, float* out) {
  std::fill_n(out, code.values.size(), 0.0f);
  ActiveKernels().add_scaled(code.values.data(), code.code.scale, code.values.size(), out);
}

double DecodedNorm2(const CodeView& code) {
  return Product(code.code, code.code, SquareSum(code.values));
}

OneBitCentroid::OneBitCentroid(const CodeView& centroid)
    : view_(centroid), floats_(centroid.values.size()), norm2_(DecodedNorm2(centroid)) {
  Decode(centroid, floats_.data());
}

void OneBitCentroid::Encode(const CodeView& code, size_t row, uint8_t* block,
                            OneBitFactors* factors) const {
  const size_t padded = view_.values.size();
  LIBKV_CHECK(code.values.size() == padded && padded <= kCodeDimensionMax && row < kOneBitRows);
  const Kernels& kernels = ActiveKernels();
  uint8_t signs[kCodeDimensionMax / 8];
  float sum_abs = 0, centroid_sum = 0;
  // Bounds are for scores by EstimateDot, which corrects the length of what a code stands for.
  const CodeNorms norms = NormsOf(code.code, padded, SquareSum(code.values));
  const double scale = code.code.scale * norms.correction;
  kernels.sign_bits(code.values.data(), static_cast<float>(scale), floats_.data(), padded, signs,
                    &sum_abs, &centroid_sum);
  for (size_t i = 0; i < padded / 8; ++i) block[i * kOneBitRows + row] = signs[i];

  const int32_t dot = kernels.dot_i8(view_.values.data(), code.values.data(), padded);
  const double product = scale * view_.code.scale * dot;
  // Differences of great numbers: rounding must not leave what no vector can have.
  const double sum = sum_abs, dimensions = static_cast<double>(padded);
  const double code_norm2 = norms.decoded2 * norms.correction * norms.correction;
  const double norm2 =
      std::clamp(code_norm2 - 2 * product + norm2_, sum * sum / dimensions, sum * sum);
  double slope = 0, spread = 0;
  if (sum > 0) {
    slope = norm2 / sum;
    // |r|^2 (1 / a^2 - 1) = |r|^4 D / (sum |r|)^2 - |r|^2
    const double lost = std::max(0.0, slope * slope * dimensions - norm2);
    spread = kOneBitDeviations * std::sqrt(lost / (dimensions - 1));
  }
  factors->constant[row] = Finite(product - norm2_ - slope * centroid_sum);
  factors->slope[row] = Finite(slope);
  factors->spread[row] = Finite(spread);
}

OneBitBound::OneBitBound(const ListQuery& query, Metric metric, double dot, double distance)
    : is_l2_(metric == Metric::kL2),
      query_norm2_(query.code.norm2),
      dot_(dot),
      sum_base_(query.sum_base),
      sum_noise_(query.sum_noise) {
  terms_.step = query.sum_step;
  terms_.base = query.sum_noise - query.sum_base;
  terms_.distance = static_cast<float>(distance);
  terms_.norm_factor = is_l2_ ? 0.5f : 0.0f;
}

uint32_t OneBitBound::Reach(const Kernels& kernels, const uint32_t* sums,
                            const OneBitFactors& factors, const float* norms2, float threshold) {
  const double least = is_l2_ ? (double{threshold} + query_norm2_) / 2 : double{threshold};
  terms_.limit = static_cast<float>(least - dot_);
  return kernels.reach(sums, factors.constant, factors.slope, factors.spread, norms2, terms_);
}

void OneBitBound::Scores(const uint32_t* sums, const OneBitFactors& factors, const float* norms2,
                         float* scores, float* margins) const {
  const auto dot = static_cast<float>(dot_);
  for (size_t row = 0; row < kOneBitRows; ++row) {
    const float bits = terms_.step * static_cast<float>(sums[row]) - sum_base_;
    scores[row] = dot + factors.constant[row] + factors.slope[row] * bits;
    margins[row] = factors.slope[row] * sum_noise_ + factors.spread[row] * terms_.distance;
  }
  if (!is_l2_) return;
  for (size_t row = 0; row < kOneBitRows; ++row) {
    scores[row] = 2 * scores[row] - query_norm2_ - norms2[row];
    margins[row] *= 2;
  }
}

}  // namespace libkv
