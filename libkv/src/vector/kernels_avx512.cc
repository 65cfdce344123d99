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

}  // namespace

const Kernels kAvx512Kernels = {
    .dot_i8 = DotI8,
    .dot_many = DotMany,
    .dot = Dot,
    .squared_distance = SquaredDistance,
    .max_abs = MaxAbs,
    .hadamard = Hadamard,
    .quantise = Quantise,
    .half_from_float = HalvesFromFloats,
    .float_from_half = FloatsFromHalves,
};

}  // namespace libkv

#endif  // __x86_64__
