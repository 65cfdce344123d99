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

}  // namespace

const Kernels kAvx2Kernels = {
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
