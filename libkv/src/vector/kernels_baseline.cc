// The plain level: portable C++ that compilers turn into the vector instructions every CPU of the
// kind has, and the meaning of the other levels.
#include <algorithm>
#include <bit>
#include <cstdint>

#include "vector/kernel_tables.h"

namespace libkv {
namespace {

constexpr size_t kLanes = 16;

int32_t DotI8(const int8_t* query, const int8_t* code, size_t n) {
  int32_t sum = 0;
  // Products of 16 bits: compilers know a multiply-and-add-pairs instruction for this shape.
  for (size_t i = 0; i < n; ++i) sum += int16_t{query[i]} * int16_t{code[i]};
  return sum;
}

void DotMany(const int8_t* query, const int8_t* codes, size_t stride_bytes, size_t count, size_t n,
             int32_t* out) {
  for (size_t i = 0; i < count; ++i) out[i] = DotI8(query, codes + i * stride_bytes, n);
}

void DotEach(const int8_t* query, const int8_t* const* codes, size_t count, size_t n,
             int32_t* out) {
  for (size_t i = 0; i < count; ++i) out[i] = DotI8(query, codes[i], n);
}

float SumOfLanes(float* lanes) {
  for (size_t half = kLanes / 2; half > 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

float Dot(const float* a, const float* b, size_t n) {
  float lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) lanes[j] += a[i + j] * b[i + j];
  }
  for (size_t j = 0; i + j < n; ++j) lanes[j] += a[i + j] * b[i + j];
  return SumOfLanes(lanes);
}

float SquaredDistance(const float* a, const float* b, size_t n) {
  float lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) {
      const float d = a[i + j] - b[i + j];
      lanes[j] += d * d;
    }
  }
  for (size_t j = 0; i + j < n; ++j) {
    const float d = a[i + j] - b[i + j];
    lanes[j] += d * d;
  }
  return SumOfLanes(lanes);
}

float MaxAbs(const float* x, size_t n) {
  // Bits of non-negative floats sort as the numbers do, and integers leave no branch in the loop.
  int32_t max = 0;
  for (size_t i = 0; i < n; ++i) max = std::max(max, std::bit_cast<int32_t>(x[i]) & 0x7fffffff);
  return std::bit_cast<float>(max);
}

void Hadamard(float* x, size_t n) {
  for (size_t h = 1; h < n; h *= 2) {
    for (size_t i = 0; i < n; i += 2 * h) {
      for (size_t j = i; j < i + h; ++j) {
        const float a = x[j], b = x[j + h];
        x[j] = a + b;
        x[j + h] = a - b;
      }
    }
  }
}

void Quantise(const float* x, float inverse_scale, size_t n, int8_t* out) {
  // Beyond 2^23 a float has no room for a fraction: adding 1.5 * 2^23 and taking it away again
  // rounds in the mode of the CPU, to nearest even, without a call.
  constexpr float kRounder = 12'582'912.0f;
  for (size_t i = 0; i < n; ++i) {
    float scaled = x[i] * inverse_scale;
    scaled = scaled > -127.0f ? scaled : -127.0f;
    scaled = scaled < 127.0f ? scaled : 127.0f;
    out[i] = static_cast<int8_t>(static_cast<int32_t>((scaled + kRounder) - kRounder));
  }
}

// half := sign:1 exponent:5 (bias 15) fraction:10; float := sign:1 exponent:8 (bias 127)
// fraction:23
uint16_t HalfFromFloat(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  constexpr uint32_t kInfinity = 0x7f800000;
  constexpr uint32_t kHalfOverflow = 0x477ff000;   // 65,520: halfway to what would follow 65,504
  constexpr uint32_t kHalfNormalMin = 0x38800000;  // 2^-14
  uint32_t half;
  if (magnitude > kInfinity) {
    half = 0x7e00 | (magnitude >> 13 & 0x1ff);  // a quiet NaN with the upper payload
  } else if (magnitude >= kHalfOverflow) {
    half = 0x7c00;
  } else if (magnitude >= kHalfNormalMin) {
    // Moves the bias and rounds: a carry out of the fraction moves into the exponent, as it should.
    const uint32_t odd = magnitude >> 13 & 1;
    half = (magnitude - (uint32_t{127 - 15} << 23) + 0xfff + odd) >> 13;
  } else {
    // A step of a subnormal half is 2^-24, the step of floats around 1/2: adding 1/2 rounds there.
    const float aligned = std::bit_cast<float>(magnitude) + 0.5f;
    half = std::bit_cast<uint32_t>(aligned) - std::bit_cast<uint32_t>(0.5f);
  }
  return static_cast<uint16_t>(sign | half);
}

float FloatFromHalf(uint16_t half) {
  const uint32_t sign = uint32_t{half & 0x8000u} << 16;
  const uint32_t exponent = half >> 10 & 0x1f;
  const uint32_t fraction = half & 0x3ff;
  uint32_t magnitude;
  if (exponent == 0x1f) {
    magnitude = 0x7f800000 | fraction << 13 | (fraction != 0 ? 0x400000 : 0);
  } else if (exponent != 0) {
    magnitude = (exponent + 127 - 15) << 23 | fraction << 13;
  } else {
    magnitude = std::bit_cast<uint32_t>(static_cast<float>(fraction) * 0x1p-24f);
  }
  return std::bit_cast<float>(sign | magnitude);
}

void HalvesFromFloats(const float* x, size_t n, uint16_t* out) {
  for (size_t i = 0; i < n; ++i) out[i] = HalfFromFloat(x[i]);
}

void FloatsFromHalves(const uint16_t* x, size_t n, float* out) {
  for (size_t i = 0; i < n; ++i) out[i] = FloatFromHalf(x[i]);
}

void AddScaled(const int8_t* code, float scale, size_t n, float* sum) {
  for (size_t i = 0; i < n; ++i) sum[i] += scale * static_cast<float>(code[i]);
}

void SignBits(const int8_t* code, float scale, const float* centroid, size_t n, uint8_t* bits,
              float* sum_abs, float* sum_signed) {
  float abs_lanes[kLanes] = {}, signed_lanes[kLanes] = {};
  for (size_t i = 0; i < n; i += kLanes) {
    uint32_t negative[kLanes];
    for (size_t j = 0; j < kLanes; ++j) {
      const float r = scale * static_cast<float>(code[i + j]) - centroid[i + j];
      negative[j] = r < 0 ? 0x80000000 : 0;
      abs_lanes[j] += std::bit_cast<float>(std::bit_cast<uint32_t>(r) & 0x7fffffff);
      signed_lanes[j] +=
          std::bit_cast<float>(std::bit_cast<uint32_t>(centroid[i + j]) ^ negative[j]);
    }
    uint32_t word = 0;
    for (size_t j = 0; j < kLanes; ++j) word |= (~negative[j] >> 31) << j;
    bits[i / 8] = static_cast<uint8_t>(word);
    bits[i / 8 + 1] = static_cast<uint8_t>(word >> 8);
  }
  *sum_abs = SumOfLanes(abs_lanes);
  *sum_signed = SumOfLanes(signed_lanes);
}

void PatternSums(const float* x, float inverse_step, size_t n, uint8_t* out) {
  constexpr float kRounder = 12'582'912.0f;  // as in Quantise
  for (size_t i = 0; i < n; i += 4) {
    float terms[4][2];
    for (size_t j = 0; j < 4; ++j) {
      const float absolute = std::bit_cast<float>(std::bit_cast<uint32_t>(x[i + j]) & 0x7fffffff);
      terms[j][0] = absolute - x[i + j];
      terms[j][1] = absolute + x[i + j];
    }
    for (size_t p = 0; p < 16; ++p) {
      const float low = terms[0][p & 1] + terms[1][p >> 1 & 1];
      const float high = terms[2][p >> 2 & 1] + terms[3][p >> 3 & 1];
      float scaled = (low + high) * inverse_step;
      scaled = scaled < 255.0f ? scaled : 255.0f;
      out[4 * i + p] = static_cast<uint8_t>(static_cast<int32_t>((scaled + kRounder) - kRounder));
    }
  }
}

void SumPatterns(const uint8_t* table, const uint8_t* block, size_t quads, uint32_t* sums) {
  std::fill_n(sums, 32, 0u);
  for (size_t quad = 0; quad < quads; ++quad, table += 16, block += 16) {
    for (size_t j = 0; j < 16; ++j) {
      sums[j] += table[block[j] & 15];
      sums[j + 16] += table[block[j] >> 4];
    }
  }
}

uint32_t Reach(const uint32_t* sums, const float* constant, const float* slope, const float* spread,
               const float* norms2, const ReachTerms& terms) {
  uint32_t rows = 0;
  for (size_t j = 0; j < 32; ++j) {
    const float sum = static_cast<float>(static_cast<int32_t>(sums[j]));
    const float upper =
        ((constant[j] + slope[j] * (terms.step * sum + terms.base)) + spread[j] * terms.distance) -
        norms2[j] * terms.norm_factor;
    rows |= uint32_t{!(upper < terms.limit)} << j;
  }
  return rows;
}

}  // namespace

const Kernels kBaselineKernels = {
    .dot_i8 = DotI8,
    .dot_many = DotMany,
    .dot_each = DotEach,
    .dot = Dot,
    .squared_distance = SquaredDistance,
    .max_abs = MaxAbs,
    .hadamard = Hadamard,
    .quantise = Quantise,
    .half_from_float = HalvesFromFloats,
    .float_from_half = FloatsFromHalves,
    .add_scaled = AddScaled,
    .sign_bits = SignBits,
    .pattern_sums = PatternSums,
    .sum_patterns = SumPatterns,
    .reach = Reach,
};

}  // namespace libkv
