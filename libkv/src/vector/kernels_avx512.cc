// The AVX-512 level, with the instruction that multiplies and sums 64 pairs of bytes (VNNI). Masks
// take care of the ends of arrays. Each function carries its instructions as an attribute.
#if defined(__x86_64__)

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 takes the don't-care operands inside its own intrinsics for mistakes.
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#include <immintrin.h>

#include "vector/kernel_tables.h"

#define LIBKV_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

namespace libkv {
namespace {

constexpr size_t kBytes = 64;   // of one register
constexpr size_t kFloats = 16;  // of one register

LIBKV_AVX512 inline __m512i LoadBytes(const int8_t* bytes) { return _mm512_loadu_si512(bytes); }

// The instruction multiplies unsigned by signed bytes: flipping the top bit of a code adds 128 to
// it. What that adds to a sum, 128 times the sum of the query, is the same for every row.
LIBKV_AVX512 inline __m512i AddProducts(__m512i sums, __m512i query, __m512i code) {
  return _mm512_dpbusd_epi32(sums, _mm512_xor_si512(code, _mm512_set1_epi8(-128)), query);
}

// -128 times the sum of the query.
LIBKV_AVX512 inline int32_t Correction(const int8_t* query, size_t n) {
  __m512i sums = _mm512_setzero_si512();
  for (size_t i = 0; i < n; i += kBytes) {
    sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(-128), LoadBytes(query + i));
  }
  return -_mm512_reduce_add_epi32(sums);
}

// One row, in four chains of additions.
LIBKV_AVX512 inline __m512i RowSums(const int8_t* query, const int8_t* code, size_t n) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  size_t i = 0;
  for (; i + 4 * kBytes <= n; i += 4 * kBytes) {
    a = AddProducts(a, LoadBytes(query + i), LoadBytes(code + i));
    b = AddProducts(b, LoadBytes(query + i + kBytes), LoadBytes(code + i + kBytes));
    c = AddProducts(c, LoadBytes(query + i + 2 * kBytes), LoadBytes(code + i + 2 * kBytes));
    d = AddProducts(d, LoadBytes(query + i + 3 * kBytes), LoadBytes(code + i + 3 * kBytes));
  }
  for (; i < n; i += kBytes) a = AddProducts(a, LoadBytes(query + i), LoadBytes(code + i));
  return _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
}

LIBKV_AVX512 int32_t DotI8(const int8_t* query, const int8_t* code, size_t n) {
  return _mm512_reduce_add_epi32(RowSums(query, code, n)) + Correction(query, n);
}

// The sums of the lanes of four registers.
LIBKV_AVX512 inline __m128i SumEach(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  const __m512i abcd =
      _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  const __m256i half =
      _mm256_add_epi32(_mm512_castsi512_si256(abcd), _mm512_extracti64x4_epi64(abcd, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

LIBKV_AVX512 void DotMany(const int8_t* query, const int8_t* codes, size_t stride_bytes,
                          size_t count, size_t n, int32_t* out) {
  const int32_t correction = Correction(query, n);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    // Row after row, so that memory is read front to back.
    const int8_t* row = codes + i * stride_bytes;
    const __m512i a = RowSums(query, row, n);
    const __m512i b = RowSums(query, row + stride_bytes, n);
    const __m512i c = RowSums(query, row + 2 * stride_bytes, n);
    const __m512i d = RowSums(query, row + 3 * stride_bytes, n);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm_add_epi32(SumEach(a, b, c, d), _mm_set1_epi32(correction)));
  }
  for (; i < count; ++i) {
    out[i] = _mm512_reduce_add_epi32(RowSums(query, codes + i * stride_bytes, n)) + correction;
  }
}

LIBKV_AVX512 void DotEach(const int8_t* query, const int8_t* const* codes, size_t count, size_t n,
                          int32_t* out) {
  if (count == 0) return;
  const int32_t correction = Correction(query, n);
  for (size_t i = 0; i < count; ++i) {
    out[i] = _mm512_reduce_add_epi32(RowSums(query, codes[i], n)) + correction;
  }
}

// A mask of the first `count` lanes, count <= 16.
LIBKV_AVX512 inline __mmask16 FirstLanes(size_t count) {
  return static_cast<__mmask16>((1u << count) - 1);
}

// The fixed order of a float sum.
LIBKV_AVX512 inline float SumOfLanes(__m512 lanes) {
  const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(lanes), 1));
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(lanes), high);
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  sum = _mm_add_ss(sum, _mm_movehdup_ps(sum));
  return _mm_cvtss_f32(sum);
}

LIBKV_AVX512 float Dot(const float* a, const float* b, size_t n) {
  __m512 lanes = _mm512_setzero_ps();
  size_t i = 0;
  for (; i + kFloats <= n; i += kFloats) {
    lanes = _mm512_add_ps(lanes, _mm512_mul_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i)));
  }
  if (i == n) return SumOfLanes(lanes);  // an empty masked load at the end of a page is slow
  // Adding +0 to the lanes past the end changes nothing, because a lane is never -0.
  const __mmask16 rest = FirstLanes(n - i);
  lanes = _mm512_add_ps(
      lanes, _mm512_mul_ps(_mm512_maskz_loadu_ps(rest, a + i), _mm512_maskz_loadu_ps(rest, b + i)));
  return SumOfLanes(lanes);
}

LIBKV_AVX512 float SquaredDistance(const float* a, const float* b, size_t n) {
  __m512 lanes = _mm512_setzero_ps();
  size_t i = 0;
  for (; i + kFloats <= n; i += kFloats) {
    const __m512 d = _mm512_sub_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i));
    lanes = _mm512_add_ps(lanes, _mm512_mul_ps(d, d));
  }
  if (i == n) return SumOfLanes(lanes);
  const __mmask16 rest = FirstLanes(n - i);
  const __m512 d =
      _mm512_sub_ps(_mm512_maskz_loadu_ps(rest, a + i), _mm512_maskz_loadu_ps(rest, b + i));
  return SumOfLanes(_mm512_add_ps(lanes, _mm512_mul_ps(d, d)));
}

LIBKV_AVX512 float MaxAbs(const float* x, size_t n) {
  __m512 max = _mm512_setzero_ps();
  size_t i = 0;
  for (; i + kFloats <= n; i += kFloats) {
    max = _mm512_max_ps(max, _mm512_abs_ps(_mm512_loadu_ps(x + i)));
  }
  if (i == n) return _mm512_reduce_max_ps(max);
  max = _mm512_max_ps(max, _mm512_abs_ps(_mm512_maskz_loadu_ps(FirstLanes(n - i), x + i)));
  return _mm512_reduce_max_ps(max);
}

// One step of the transform inside a register: `partner` holds x with the pairs swapped, `minus`
// the lanes where the difference goes.
LIBKV_AVX512 inline __m512 SumsAndDifferences(__m512 x, __m512 partner, __mmask16 minus) {
  return _mm512_mask_sub_ps(_mm512_add_ps(partner, x), minus, partner, x);
}

LIBKV_AVX512 inline __m512 HadamardSixteen(__m512 x) {
  x = SumsAndDifferences(x, _mm512_permute_ps(x, 0xb1), 0xaaaa);
  x = SumsAndDifferences(x, _mm512_permute_ps(x, 0x4e), 0xcccc);
  x = SumsAndDifferences(x, _mm512_shuffle_f32x4(x, x, 0xb1), 0xf0f0);
  return SumsAndDifferences(x, _mm512_shuffle_f32x4(x, x, 0x4e), 0xff00);
}

LIBKV_AVX512 void Hadamard(float* x, size_t n) {
  for (size_t i = 0; i < n; i += kFloats) {
    _mm512_storeu_ps(x + i, HadamardSixteen(_mm512_loadu_ps(x + i)));
  }
  for (size_t h = kFloats; h < n; h *= 2) {
    for (size_t i = 0; i < n; i += 2 * h) {
      for (size_t j = i; j < i + h; j += kFloats) {
        const __m512 a = _mm512_loadu_ps(x + j), b = _mm512_loadu_ps(x + j + h);
        _mm512_storeu_ps(x + j, _mm512_add_ps(a, b));
        _mm512_storeu_ps(x + j + h, _mm512_sub_ps(a, b));
      }
    }
  }
}

LIBKV_AVX512 void Quantise(const float* x, float inverse_scale, size_t n, int8_t* out) {
  const __m512 inverse = _mm512_set1_ps(inverse_scale);
  for (size_t i = 0; i < n; i += kFloats) {
    const __mmask16 lanes = FirstLanes(n - i < kFloats ? n - i : kFloats);
    // Clamps while still in floats: the conversion answers the same number for all that is too
    // great.
    __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, x + i), inverse);
    scaled = _mm512_min_ps(_mm512_max_ps(scaled, _mm512_set1_ps(-127)), _mm512_set1_ps(127));
    _mm512_mask_cvtepi32_storeu_epi8(out + i, lanes, _mm512_cvtps_epi32(scaled));
  }
}

LIBKV_AVX512 void HalvesFromFloats(const float* x, size_t n, uint16_t* out) {
  for (size_t i = 0; i < n; i += kFloats) {
    const __mmask16 lanes = FirstLanes(n - i < kFloats ? n - i : kFloats);
    const __m256i halves =
        _mm512_cvtps_ph(_mm512_maskz_loadu_ps(lanes, x + i), _MM_FROUND_TO_NEAREST_INT);
    _mm256_mask_storeu_epi16(out + i, lanes, halves);
  }
}

LIBKV_AVX512 void FloatsFromHalves(const uint16_t* x, size_t n, float* out) {
  for (size_t i = 0; i < n; i += kFloats) {
    const __mmask16 lanes = FirstLanes(n - i < kFloats ? n - i : kFloats);
    _mm512_mask_storeu_ps(out + i, lanes, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(lanes, x + i)));
  }
}

LIBKV_AVX512 inline __m512 FloatsFromSixteen(const int8_t* code) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(code));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

LIBKV_AVX512 void AddScaled(const int8_t* code, float scale, size_t n, float* sum) {
  const __m512 factor = _mm512_set1_ps(scale);
  size_t i = 0;
  for (; i + kFloats <= n; i += kFloats) {
    const __m512 product = _mm512_mul_ps(factor, FloatsFromSixteen(code + i));
    _mm512_storeu_ps(sum + i, _mm512_add_ps(_mm512_loadu_ps(sum + i), product));
  }
  for (; i < n; ++i) sum[i] += scale * static_cast<float>(code[i]);
}

LIBKV_AVX512 void SignBits(const int8_t* code, float scale, const float* centroid, size_t n,
                           uint8_t* bits, float* sum_abs, float* sum_signed) {
  const __m512 factor = _mm512_set1_ps(scale);
  const __m512i minus = _mm512_set1_epi32(static_cast<int32_t>(0x80000000));
  __m512 abs_lanes = _mm512_setzero_ps(), signed_lanes = abs_lanes;
  for (size_t i = 0; i < n; i += kFloats) {
    const __m512 c = _mm512_loadu_ps(centroid + i);
    const __m512 r = _mm512_sub_ps(_mm512_mul_ps(factor, FloatsFromSixteen(code + i)), c);
    const __mmask16 negative = _mm512_cmp_ps_mask(r, _mm512_setzero_ps(), _CMP_LT_OQ);
    const __m512i word = _mm512_castps_si512(c);
    abs_lanes = _mm512_add_ps(abs_lanes, _mm512_abs_ps(r));
    signed_lanes = _mm512_add_ps(
        signed_lanes, _mm512_castsi512_ps(_mm512_mask_xor_epi32(word, negative, word, minus)));
    const auto positive = static_cast<uint16_t>(~negative);
    bits[i / 8] = static_cast<uint8_t>(positive);
    bits[i / 8 + 1] = static_cast<uint8_t>(positive >> 8);
  }
  *sum_abs = SumOfLanes(abs_lanes);
  *sum_signed = SumOfLanes(signed_lanes);
}

// The terms of one coordinate for all patterns: `with` where the pattern has its bit.
LIBKV_AVX512 inline __m512 TermsOf(float value, __mmask16 patterns) {
  const __m512 x = _mm512_set1_ps(value), absolute = _mm512_abs_ps(x);
  return _mm512_mask_add_ps(_mm512_sub_ps(absolute, x), patterns, absolute, x);
}

LIBKV_AVX512 void PatternSums(const float* x, float inverse_step, size_t n, uint8_t* out) {
  const __m512 inverse = _mm512_set1_ps(inverse_step), most = _mm512_set1_ps(255);
  for (size_t i = 0; i < n; i += 4) {
    const __m512 low = _mm512_add_ps(TermsOf(x[i], 0xaaaa), TermsOf(x[i + 1], 0xcccc));
    const __m512 high = _mm512_add_ps(TermsOf(x[i + 2], 0xf0f0), TermsOf(x[i + 3], 0xff00));
    const __m512 scaled = _mm512_mul_ps(_mm512_add_ps(low, high), inverse);
    const __m512i whole = _mm512_cvtps_epi32(_mm512_min_ps(scaled, most));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 4 * i), _mm512_cvtepi32_epi8(whole));
  }
}

// The sums of one half of the rows: `pairs` holds even bytes plus 256 times odd bytes, modulo 2^16,
// `odd` the odd ones. Four quads lie in the four quarters of a register.
LIBKV_AVX512 inline __m512i SumsOfHalf(__m512i pairs, __m512i odd) {
  const __m512i even = _mm512_sub_epi16(pairs, _mm512_slli_epi16(odd, 8));
  const __m512i low = _mm512_unpacklo_epi16(even, odd), high = _mm512_unpackhi_epi16(even, odd);
  // Quarters q0..q3 of `low` are rows 0 to 7 of four quads, those of `high` rows 8 to 15.
  const __m512i both[2] = {low, high};
  __m256i sums[2];
  for (int i = 0; i < 2; ++i) {
    const __m512i first = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(both[i]));
    const __m512i second = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(both[i], 1));
    const __m512i sum = _mm512_add_epi32(first, second);
    sums[i] = _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
  }
  return _mm512_inserti64x4(_mm512_castsi256_si512(sums[0]), sums[1], 1);
}

LIBKV_AVX512 void SumPatterns(const uint8_t* table, const uint8_t* block, size_t quads,
                              uint32_t* sums) {
  constexpr size_t kStepQuads = 1'024;  // 256 bytes of 255 for each 16-bit sum
  const __m512i zero = _mm512_setzero_si512(), low_half = _mm512_set1_epi8(15);
  __m512i first = zero, second = zero;
  for (size_t begin = 0; begin < quads; begin += kStepQuads) {
    const size_t end = quads - begin < kStepQuads ? quads : begin + kStepQuads;
    __m512i low_pairs = zero, low_odd = zero, high_pairs = zero, high_odd = zero;
    for (size_t quad = begin; quad < end; quad += 4) {
      const __m512i patterns = _mm512_loadu_si512(block + 16 * quad);
      const __m512i words = _mm512_loadu_si512(table + 16 * quad);
      const __m512i low = _mm512_shuffle_epi8(words, _mm512_and_si512(patterns, low_half));
      const __m512i high =
          _mm512_shuffle_epi8(words, _mm512_and_si512(_mm512_srli_epi16(patterns, 4), low_half));
      low_pairs = _mm512_add_epi16(low_pairs, low);
      low_odd = _mm512_add_epi16(low_odd, _mm512_srli_epi16(low, 8));
      high_pairs = _mm512_add_epi16(high_pairs, high);
      high_odd = _mm512_add_epi16(high_odd, _mm512_srli_epi16(high, 8));
    }
    first = _mm512_add_epi32(first, SumsOfHalf(low_pairs, low_odd));
    second = _mm512_add_epi32(second, SumsOfHalf(high_pairs, high_odd));
  }
  _mm512_storeu_si512(sums, first);
  _mm512_storeu_si512(sums + 16, second);
}

LIBKV_AVX512 uint32_t Reach(const uint32_t* sums, const float* constant, const float* slope,
                            const float* spread, const float* norms2, const ReachTerms& terms) {
  const __m512 step = _mm512_set1_ps(terms.step), base = _mm512_set1_ps(terms.base);
  const __m512 distance = _mm512_set1_ps(terms.distance), limit = _mm512_set1_ps(terms.limit);
  const __m512 norm_factor = _mm512_set1_ps(terms.norm_factor);
  uint32_t rows = 0;
  for (size_t j = 0; j < 32; j += kFloats) {
    const __m512 whole = _mm512_cvtepi32_ps(_mm512_loadu_si512(sums + j));
    const __m512 sum = _mm512_add_ps(_mm512_mul_ps(step, whole), base);
    __m512 upper = _mm512_add_ps(_mm512_loadu_ps(constant + j),
                                 _mm512_mul_ps(_mm512_loadu_ps(slope + j), sum));
    upper = _mm512_add_ps(upper, _mm512_mul_ps(_mm512_loadu_ps(spread + j), distance));
    upper = _mm512_sub_ps(upper, _mm512_mul_ps(_mm512_loadu_ps(norms2 + j), norm_factor));
    rows |= uint32_t{_mm512_cmp_ps_mask(upper, limit, _CMP_NLT_UQ)} << j;
  }
  return rows;
}

}  // namespace

const Kernels kAvx512Kernels = {
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

#endif  // __x86_64__
