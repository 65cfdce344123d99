// The AVX2 level. Each function carries the instructions it needs as an attribute, so that the rest
// of the library stays plain; lambdas would lose it, hence small static functions.
#if defined(__x86_64__)

#include <immintrin.h>

#include <bit>
#include <cstring>

#include "vector/kernel_tables.h"

#define LIBKV_AVX2 __attribute__((target("avx2,f16c")))

namespace libkv {
namespace {

constexpr size_t kFloats = 8;  // of one register
constexpr size_t kLanes = 2 * kFloats;

LIBKV_AVX2 inline __m256i LoadBytes(const int8_t* bytes) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

// Adds 32 products to eight sums. The instruction multiplies unsigned by signed bytes, so the sign
// of the code moves to the query. Its pairs saturate at 32,767, but 2 * 128 * 127 is less.
LIBKV_AVX2 inline __m256i AddProducts(__m256i sums, __m256i query, __m256i code) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(code), _mm256_sign_epi8(query, code));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

LIBKV_AVX2 int32_t DotI8(const int8_t* query, const int8_t* code, size_t n) {
  __m256i low = _mm256_setzero_si256(), high = _mm256_setzero_si256();
  for (size_t i = 0; i < n; i += 64) {
    low = AddProducts(low, LoadBytes(query + i), LoadBytes(code + i));
    high = AddProducts(high, LoadBytes(query + i + 32), LoadBytes(code + i + 32));
  }
  const __m256i sums = _mm256_add_epi32(low, high);
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
  return _mm_cvtsi128_si32(sum);
}

// Four rows share each load of the query and the final additions.
LIBKV_AVX2 void DotFour(const int8_t* query, const int8_t* codes, size_t stride_bytes, size_t n,
                        int32_t* out) {
  __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
  for (size_t i = 0; i < n; i += 32) {
    const __m256i q = LoadBytes(query + i);
    a = AddProducts(a, q, LoadBytes(codes + i));
    b = AddProducts(b, q, LoadBytes(codes + stride_bytes + i));
    c = AddProducts(c, q, LoadBytes(codes + 2 * stride_bytes + i));
    d = AddProducts(d, q, LoadBytes(codes + 3 * stride_bytes + i));
  }
  const __m256i sums = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                   _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1)));
}

LIBKV_AVX2 void DotMany(const int8_t* query, const int8_t* codes, size_t stride_bytes, size_t count,
                        size_t n, int32_t* out) {
  size_t i = 0;
  for (; i + 4 <= count; i += 4) DotFour(query, codes + i * stride_bytes, stride_bytes, n, out + i);
  for (; i < count; ++i) out[i] = DotI8(query, codes + i * stride_bytes, n);
}

LIBKV_AVX2 void DotEach(const int8_t* query, const int8_t* const* codes, size_t count, size_t n,
                        int32_t* out) {
  for (size_t i = 0; i < count; ++i) out[i] = DotI8(query, codes[i], n);
}

// The fixed order of a float sum; lanes 0 to 7 and 8 to 15.
LIBKV_AVX2 inline float SumOfLanes(__m256 low, __m256 high) {
  const __m256 eight = _mm256_add_ps(low, high);
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  sum = _mm_add_ss(sum, _mm_movehdup_ps(sum));
  return _mm_cvtss_f32(sum);
}

LIBKV_AVX2 inline __m256 AddProduct(__m256 sum, const float* a, const float* b) {
  return _mm256_add_ps(sum, _mm256_mul_ps(_mm256_loadu_ps(a), _mm256_loadu_ps(b)));
}

LIBKV_AVX2 inline __m256 AddSquare(__m256 sum, const float* a, const float* b) {
  const __m256 d = _mm256_sub_ps(_mm256_loadu_ps(a), _mm256_loadu_ps(b));
  return _mm256_add_ps(sum, _mm256_mul_ps(d, d));
}

// The last elements of a vector, and zeros: adding +0 to a lane changes nothing, because a lane is
// never -0.
struct Tail {
  float a[kLanes] = {};
  float b[kLanes] = {};
  Tail(const float* x, const float* y, size_t count) {
    if (count == 0) return;  // the pointers may be null
    std::memcpy(a, x, count * sizeof(float));
    std::memcpy(b, y, count * sizeof(float));
  }
};

LIBKV_AVX2 float Dot(const float* a, const float* b, size_t n) {
  __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
  const size_t whole = n - n % kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    low = AddProduct(low, a + i, b + i);
    high = AddProduct(high, a + i + kFloats, b + i + kFloats);
  }
  const Tail tail(a + whole, b + whole, n - whole);
  low = AddProduct(low, tail.a, tail.b);
  high = AddProduct(high, tail.a + kFloats, tail.b + kFloats);
  return SumOfLanes(low, high);
}

LIBKV_AVX2 float SquaredDistance(const float* a, const float* b, size_t n) {
  __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
  const size_t whole = n - n % kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    low = AddSquare(low, a + i, b + i);
    high = AddSquare(high, a + i + kFloats, b + i + kFloats);
  }
  const Tail tail(a + whole, b + whole, n - whole);
  low = AddSquare(low, tail.a, tail.b);
  high = AddSquare(high, tail.a + kFloats, tail.b + kFloats);
  return SumOfLanes(low, high);
}

LIBKV_AVX2 float MaxAbs(const float* x, size_t n) {
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
  __m256 max = _mm256_setzero_ps();
  size_t i = 0;
  for (; i + kFloats <= n; i += kFloats) {
    max = _mm256_max_ps(max, _mm256_and_ps(magnitude, _mm256_loadu_ps(x + i)));
  }
  float lanes[kFloats];
  _mm256_storeu_ps(lanes, max);
  float result = 0;
  for (const float lane : lanes) result = lane > result ? lane : result;
  for (; i < n; ++i) {
    const float absolute = std::bit_cast<float>(std::bit_cast<uint32_t>(x[i]) & 0x7fffffffu);
    result = absolute > result ? absolute : result;
  }
  return result;
}

// One step of the transform inside a register: `partner` holds x with the pairs swapped, `minus`
// the sign bit where the difference goes. a + (-b) is a - b, to the bit.
LIBKV_AVX2 inline __m256 SumsAndDifferences(__m256 x, __m256 partner, __m256 minus) {
  return _mm256_add_ps(partner, _mm256_xor_ps(x, minus));
}

LIBKV_AVX2 inline __m256 HadamardEight(__m256 x) {
  const __m256 minus1 = _mm256_setr_ps(0, -0.f, 0, -0.f, 0, -0.f, 0, -0.f);
  const __m256 minus2 = _mm256_setr_ps(0, 0, -0.f, -0.f, 0, 0, -0.f, -0.f);
  const __m256 minus4 = _mm256_setr_ps(0, 0, 0, 0, -0.f, -0.f, -0.f, -0.f);
  x = SumsAndDifferences(x, _mm256_permute_ps(x, 0xb1), minus1);
  x = SumsAndDifferences(x, _mm256_permute_ps(x, 0x4e), minus2);
  return SumsAndDifferences(x, _mm256_permute2f128_ps(x, x, 1), minus4);
}

LIBKV_AVX2 void Hadamard(float* x, size_t n) {
  for (size_t i = 0; i < n; i += kFloats) {
    _mm256_storeu_ps(x + i, HadamardEight(_mm256_loadu_ps(x + i)));
  }
  for (size_t h = kFloats; h < n; h *= 2) {
    for (size_t i = 0; i < n; i += 2 * h) {
      for (size_t j = i; j < i + h; j += kFloats) {
        const __m256 a = _mm256_loadu_ps(x + j), b = _mm256_loadu_ps(x + j + h);
        _mm256_storeu_ps(x + j, _mm256_add_ps(a, b));
        _mm256_storeu_ps(x + j + h, _mm256_sub_ps(a, b));
      }
    }
  }
}

// Clamps while still in floats: the conversion answers the same number for all that is too great.
LIBKV_AVX2 inline __m256i QuantiseEight(const float* x, __m256 inverse_scale) {
  const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x), inverse_scale);
  const __m256 raised = _mm256_max_ps(scaled, _mm256_set1_ps(-127));
  return _mm256_cvtps_epi32(_mm256_min_ps(raised, _mm256_set1_ps(127)));
}

LIBKV_AVX2 inline void QuantiseSixteen(const float* x, __m256 inverse_scale, int8_t* out) {
  const __m256i words = _mm256_permute4x64_epi64(
      _mm256_packs_epi32(QuantiseEight(x, inverse_scale), QuantiseEight(x + 8, inverse_scale)),
      0xd8);  // packing works on each half of a register: back into order
  const __m128i bytes =
      _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
}

LIBKV_AVX2 void Quantise(const float* x, float inverse_scale, size_t n, int8_t* out) {
  const __m256 inverse = _mm256_set1_ps(inverse_scale);
  const size_t whole = n - n % kLanes;
  for (size_t i = 0; i < whole; i += kLanes) QuantiseSixteen(x + i, inverse, out + i);
  if (whole == n) return;
  float tail[kLanes] = {};
  int8_t codes[kLanes];
  std::memcpy(tail, x + whole, (n - whole) * sizeof(float));
  QuantiseSixteen(tail, inverse, codes);
  std::memcpy(out + whole, codes, n - whole);
}

LIBKV_AVX2 inline void HalfFromEight(const float* x, uint16_t* out) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                   _mm256_cvtps_ph(_mm256_loadu_ps(x), _MM_FROUND_TO_NEAREST_INT));
}

LIBKV_AVX2 inline void EightFromHalf(const uint16_t* x, float* out) {
  _mm256_storeu_ps(out, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))));
}

LIBKV_AVX2 void HalvesFromFloats(const float* x, size_t n, uint16_t* out) {
  const size_t whole = n - n % kFloats;
  for (size_t i = 0; i < whole; i += kFloats) HalfFromEight(x + i, out + i);
  if (whole == n) return;
  float tail[kFloats] = {};
  uint16_t halves[kFloats];
  std::memcpy(tail, x + whole, (n - whole) * sizeof(float));
  HalfFromEight(tail, halves);
  std::memcpy(out + whole, halves, (n - whole) * sizeof(uint16_t));
}

LIBKV_AVX2 void FloatsFromHalves(const uint16_t* x, size_t n, float* out) {
  const size_t whole = n - n % kFloats;
  for (size_t i = 0; i < whole; i += kFloats) EightFromHalf(x + i, out + i);
  if (whole == n) return;
  uint16_t tail[kFloats] = {};
  float floats[kFloats];
  std::memcpy(tail, x + whole, (n - whole) * sizeof(uint16_t));
  EightFromHalf(tail, floats);
  std::memcpy(out + whole, floats, (n - whole) * sizeof(float));
}

LIBKV_AVX2 inline __m256 FloatsFromEight(const int8_t* code) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(code));
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}

LIBKV_AVX2 void AddScaled(const int8_t* code, float scale, size_t n, float* sum) {
  const __m256 factor = _mm256_set1_ps(scale);
  size_t i = 0;
  for (; i + kFloats <= n; i += kFloats) {
    const __m256 product = _mm256_mul_ps(factor, FloatsFromEight(code + i));
    _mm256_storeu_ps(sum + i, _mm256_add_ps(_mm256_loadu_ps(sum + i), product));
  }
  for (; i < n; ++i) sum[i] += scale * static_cast<float>(code[i]);
}

struct SignSums {
  __m256 abs, of_centroid;
};

// Eight coordinates; returns their signs as bits, set where not negative. -0 counts as 0.
LIBKV_AVX2 inline uint8_t SignsOfEight(const int8_t* code, __m256 scale, const float* centroid,
                                       SignSums& sums) {
  const __m256 minus = _mm256_set1_ps(-0.0f);
  const __m256 c = _mm256_loadu_ps(centroid);
  const __m256 r = _mm256_sub_ps(_mm256_mul_ps(scale, FloatsFromEight(code)), c);
  const __m256 negative = _mm256_cmp_ps(r, _mm256_setzero_ps(), _CMP_LT_OQ);
  sums.abs = _mm256_add_ps(sums.abs, _mm256_andnot_ps(minus, r));
  sums.of_centroid =
      _mm256_add_ps(sums.of_centroid, _mm256_xor_ps(c, _mm256_and_ps(negative, minus)));
  return static_cast<uint8_t>(~_mm256_movemask_ps(negative));
}

LIBKV_AVX2 void SignBits(const int8_t* code, float scale, const float* centroid, size_t n,
                         uint8_t* bits, float* sum_abs, float* sum_signed) {
  const __m256 factor = _mm256_set1_ps(scale);
  SignSums low{_mm256_setzero_ps(), _mm256_setzero_ps()}, high = low;
  for (size_t i = 0; i < n; i += kLanes) {
    bits[i / 8] = SignsOfEight(code + i, factor, centroid + i, low);
    bits[i / 8 + 1] = SignsOfEight(code + i + kFloats, factor, centroid + i + kFloats, high);
  }
  *sum_abs = SumOfLanes(low.abs, high.abs);
  *sum_signed = SumOfLanes(low.of_centroid, high.of_centroid);
}

// The terms of patterns 0 to 7; those of 8 to 15 differ in the last coordinate only.
LIBKV_AVX2 void PatternSums(const float* x, float inverse_step, size_t n, uint8_t* out) {
  const __m256 inverse = _mm256_set1_ps(inverse_step), most = _mm256_set1_ps(255);
  for (size_t i = 0; i < n; i += 4) {
    __m256 without[4], with[4];
    for (size_t j = 0; j < 4; ++j) {
      const __m256 value = _mm256_broadcast_ss(x + i + j);
      const __m256 absolute = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), value);
      without[j] = _mm256_sub_ps(absolute, value);
      with[j] = _mm256_add_ps(absolute, value);
    }
    const __m256 low = _mm256_add_ps(_mm256_blend_ps(without[0], with[0], 0xaa),
                                     _mm256_blend_ps(without[1], with[1], 0xcc));
    const __m256 third = _mm256_blend_ps(without[2], with[2], 0xf0);
    const __m256 first = _mm256_add_ps(low, _mm256_add_ps(third, without[3]));
    const __m256 second = _mm256_add_ps(low, _mm256_add_ps(third, with[3]));
    const __m256i a = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_mul_ps(first, inverse), most));
    const __m256i b = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_mul_ps(second, inverse), most));
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(out + 4 * i),
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
}

// The sums of one half of the rows: `pairs` holds even bytes plus 256 times odd bytes, modulo 2^16,
// `odd` the odd ones. Two quads lie in the two halves of a register.
LIBKV_AVX2 inline void AddSums(__m256i pairs, __m256i odd, uint32_t* sums) {
  const __m256i even = _mm256_sub_epi16(pairs, _mm256_slli_epi16(odd, 8));
  const __m256i low = _mm256_unpacklo_epi16(even, odd), high = _mm256_unpackhi_epi16(even, odd);
  const __m256i parts[4] = {_mm256_cvtepu16_epi32(_mm256_castsi256_si128(low)),
                            _mm256_cvtepu16_epi32(_mm256_extracti128_si256(low, 1)),
                            _mm256_cvtepu16_epi32(_mm256_castsi256_si128(high)),
                            _mm256_cvtepu16_epi32(_mm256_extracti128_si256(high, 1))};
  auto* const first = reinterpret_cast<__m256i*>(sums);
  auto* const second = reinterpret_cast<__m256i*>(sums + 8);
  const __m256i a = _mm256_add_epi32(parts[0], parts[1]), b = _mm256_add_epi32(parts[2], parts[3]);
  _mm256_storeu_si256(first, _mm256_add_epi32(_mm256_loadu_si256(first), a));
  _mm256_storeu_si256(second, _mm256_add_epi32(_mm256_loadu_si256(second), b));
}

LIBKV_AVX2 inline __m256i LoadQuads(const uint8_t* bytes) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}

LIBKV_AVX2 void SumPatterns(const uint8_t* table, const uint8_t* block, size_t quads,
                            uint32_t* sums) {
  constexpr size_t kStepQuads = 512;  // 256 bytes of 255 for each 16-bit sum
  const __m256i zero = _mm256_setzero_si256(), low_half = _mm256_set1_epi8(15);
  for (size_t j = 0; j < 32; j += 8) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + j), zero);
  }
  for (size_t begin = 0; begin < quads; begin += kStepQuads) {
    const size_t end = quads - begin < kStepQuads ? quads : begin + kStepQuads;
    __m256i low_pairs = zero, low_odd = zero, high_pairs = zero, high_odd = zero;
    for (size_t quad = begin; quad < end; quad += 2) {
      const __m256i patterns = LoadQuads(block + 16 * quad), words = LoadQuads(table + 16 * quad);
      const __m256i low = _mm256_shuffle_epi8(words, _mm256_and_si256(patterns, low_half));
      const __m256i high =
          _mm256_shuffle_epi8(words, _mm256_and_si256(_mm256_srli_epi16(patterns, 4), low_half));
      low_pairs = _mm256_add_epi16(low_pairs, low);
      low_odd = _mm256_add_epi16(low_odd, _mm256_srli_epi16(low, 8));
      high_pairs = _mm256_add_epi16(high_pairs, high);
      high_odd = _mm256_add_epi16(high_odd, _mm256_srli_epi16(high, 8));
    }
    AddSums(low_pairs, low_odd, sums);
    AddSums(high_pairs, high_odd, sums + 16);
  }
}

LIBKV_AVX2 uint32_t Reach(const uint32_t* sums, const float* constant, const float* slope,
                          const float* spread, const float* norms2, const ReachTerms& terms) {
  const __m256 step = _mm256_set1_ps(terms.step), base = _mm256_set1_ps(terms.base);
  const __m256 distance = _mm256_set1_ps(terms.distance), limit = _mm256_set1_ps(terms.limit);
  const __m256 norm_factor = _mm256_set1_ps(terms.norm_factor);
  uint32_t rows = 0;
  for (size_t j = 0; j < 32; j += kFloats) {
    const __m256i whole = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + j));
    const __m256 sum = _mm256_add_ps(_mm256_mul_ps(step, _mm256_cvtepi32_ps(whole)), base);
    __m256 upper = _mm256_add_ps(_mm256_loadu_ps(constant + j),
                                 _mm256_mul_ps(_mm256_loadu_ps(slope + j), sum));
    upper = _mm256_add_ps(upper, _mm256_mul_ps(_mm256_loadu_ps(spread + j), distance));
    upper = _mm256_sub_ps(upper, _mm256_mul_ps(_mm256_loadu_ps(norms2 + j), norm_factor));
    const __m256 reaches = _mm256_cmp_ps(upper, limit, _CMP_NLT_UQ);
    rows |= static_cast<uint32_t>(_mm256_movemask_ps(reaches)) << j;
  }
  return rows;
}

}  // namespace

const Kernels kAvx2Kernels = {
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
