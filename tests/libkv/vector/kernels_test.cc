// Every level against a plain oracle written here, bit for bit.
#include "vector/kernels.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "vector/simd_level.h"

namespace libkv {
namespace {

constexpr float kFloatMax = std::numeric_limits<float>::max();
constexpr float kDenormal = std::numeric_limits<float>::denorm_min();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Two NaN are the same answer: which one it is depends on the order of operands.
bool SameBits(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](float x, float y) { return SameBits(x, y); });
}

// Ordinary numbers, or with `wild` any finite bits, denormals, both zeros and huge ones.
std::vector<float> RandomFloats(std::mt19937& random, size_t n, bool wild) {
  const float special[] = {0.0f,       -0.0f,    kDenormal, -kDenormal, kFloatMax,
                           -kFloatMax, 1.1e-38f, 3e38f,     -1e19f,     65'520.0f};
  std::normal_distribution<float> normal;
  std::vector<float> floats(n);
  for (float& x : floats) {
    x = normal(random);
    if (!wild) continue;
    const auto bits = static_cast<uint32_t>(random());
    if (bits % 3 == 0) x = special[bits / 3 % std::size(special)];
    if (bits % 3 == 1 && std::isfinite(std::bit_cast<float>(bits))) x = std::bit_cast<float>(bits);
  }
  return floats;
}

std::vector<int8_t> RandomCodes(std::mt19937& random, size_t n, int min, int max) {
  std::vector<int8_t> codes(n);
  for (int8_t& code : codes) {
    code = static_cast<int8_t>(min + static_cast<int>(random() % (max - min + 1)));
  }
  return codes;
}

int64_t OracleDot(const int8_t* a, const int8_t* b, size_t n) {
  int64_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += int64_t{a[i]} * b[i];
  return sum;
}

// The order of a float sum, as the header says it.
template <typename Term>
float OracleSum(size_t n, Term term) {
  float lanes[16] = {};
  for (size_t i = 0; i < n; ++i) lanes[i % 16] += term(i);
  for (const int half : {8, 4, 2, 1}) {
    for (int j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

// Rounds in doubles, where every half and every step between two halves is exact.
uint16_t OracleHalf(float x) {
  const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  if (std::isnan(x)) {
    const uint32_t payload = std::bit_cast<uint32_t>(x) & 0x7fffff;
    return static_cast<uint16_t>(sign | 0x7c00 | payload >> 13 | 0x200);
  }
  const double magnitude = std::fabs(double{x});
  int exponent = -14;
  if (magnitude > 0) exponent = std::max(exponent, std::ilogb(magnitude));
  if (std::isinf(x) || exponent > 15) return sign | 0x7c00;
  const auto steps = static_cast<uint32_t>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  return static_cast<uint16_t>(sign | (static_cast<uint32_t>(exponent + 14) * 1024 + steps));
}

TEST_CASE("the environment can lower the level, never raise it") {
  CHECK(LowerSimdLevel(SimdLevel::kAvx512, nullptr) == SimdLevel::kAvx512);
  CHECK(LowerSimdLevel(SimdLevel::kAvx512, "avx2") == SimdLevel::kAvx2);
  CHECK(LowerSimdLevel(SimdLevel::kAvx512, "baseline") == SimdLevel::kBaseline);
  CHECK(LowerSimdLevel(SimdLevel::kAvx2, "avx512") == SimdLevel::kAvx2);
  CHECK(LowerSimdLevel(SimdLevel::kBaseline, "avx2") == SimdLevel::kBaseline);
  for (const char* word : {"", "AVX2", "avx", "sse4", "avx2 "}) {
    CHECK(LowerSimdLevel(SimdLevel::kAvx512, word) == SimdLevel::kAvx512);
  }
  CHECK(DetectedSimdLevel() <= CpuSimdLevel());
  CHECK(&ActiveKernels() == &KernelsFor(DetectedSimdLevel()));
  REQUIRE(SupportedSimdLevels().front() == SimdLevel::kBaseline);
  CHECK(SupportedSimdLevels().back() == CpuSimdLevel());
}

TEST_CASE("int8 dot products are exact on every level") {
  // Goal: no saturation, no lost carry. Method: extreme codes at every length, and random ones.
  std::mt19937 random(11);
  for (size_t n = 64; n <= 8'192; n = n < 640 ? n + 64 : n * 2) {
    CAPTURE(n);
    for (const int query_value : {-127, 127, 0, 1}) {
      for (const int code_value : {-128, -127, 127, -1}) {
        const std::vector<int8_t> query(n, static_cast<int8_t>(query_value));
        const std::vector<int8_t> code(n, static_cast<int8_t>(code_value));
        for (const SimdLevel level : SupportedSimdLevels()) {
          CHECK(KernelsFor(level).dot_i8(query.data(), code.data(), n) ==
                OracleDot(query.data(), code.data(), n));
        }
      }
    }
    for (int round = 0; round < 20; ++round) {
      // A byte off the alignment, because callers may be.
      const std::vector<int8_t> query = RandomCodes(random, n + 1, -127, 127);
      const std::vector<int8_t> code = RandomCodes(random, n + 1, -128, 127);
      for (const SimdLevel level : SupportedSimdLevels()) {
        CHECK(KernelsFor(level).dot_i8(query.data() + 1, code.data() + 1, n) ==
              OracleDot(query.data() + 1, code.data() + 1, n));
      }
    }
  }
}

TEST_CASE("the longest codes do not overflow a sum") {
  const std::vector<int8_t> query(kCodeDimensionMax, 127);
  const std::vector<int8_t> code(kCodeDimensionMax, -128);
  for (const SimdLevel level : SupportedSimdLevels()) {
    CHECK(KernelsFor(level).dot_i8(query.data(), code.data(), kCodeDimensionMax) ==
          OracleDot(query.data(), code.data(), kCodeDimensionMax));
  }
}

TEST_CASE("many dot products are the same as one after the other, and write nothing else") {
  std::mt19937 random(12);
  for (const size_t n : {64, 128, 192, 256, 320, 1'024, 1'088}) {
    for (const size_t stride_bytes : {n, n + 64, n + 7}) {
      for (const size_t count : {0, 1, 3, 4, 5, 8, 63, 64}) {
        CAPTURE(n);
        CAPTURE(stride_bytes);
        CAPTURE(count);
        const std::vector<int8_t> query = RandomCodes(random, n, -127, 127);
        const std::vector<int8_t> codes = RandomCodes(random, count * stride_bytes, -128, 127);
        for (const SimdLevel level : SupportedSimdLevels()) {
          std::vector<int32_t> out(count + 1, 42);
          KernelsFor(level).dot_many(query.data(), codes.data(), stride_bytes, count, n,
                                     out.data());
          for (size_t i = 0; i < count; ++i) {
            CHECK(out[i] == OracleDot(query.data(), codes.data() + i * stride_bytes, n));
          }
          CHECK(out[count] == 42);
        }
      }
    }
  }
}

TEST_CASE("float sums are the same bits on every level") {
  std::mt19937 random(13);
  for (int round = 0; round < 1'000; ++round) {
    const size_t n = round < 200 ? static_cast<size_t>(round) : 1 + random() % 8'192;
    const bool wild = round % 2 == 1;
    CAPTURE(round);
    CAPTURE(n);
    const std::vector<float> a = RandomFloats(random, n, wild), b = RandomFloats(random, n, wild);
    const float dot = OracleSum(n, [&](size_t i) { return a[i] * b[i]; });
    const float distance = OracleSum(n, [&](size_t i) { return (a[i] - b[i]) * (a[i] - b[i]); });
    float max = 0;
    for (const float x : a) max = std::max(max, std::fabs(x));
    for (const SimdLevel level : SupportedSimdLevels()) {
      const Kernels& kernels = KernelsFor(level);
      CHECK(SameBits(kernels.dot(a.data(), b.data(), n), dot));
      CHECK(SameBits(kernels.squared_distance(a.data(), b.data(), n), distance));
      CHECK(SameBits(kernels.max_abs(a.data(), n), max));
    }
  }
}

TEST_CASE("sums of nothing but negative zeros are zero on every level") {
  const std::vector<float> zeros(21, -0.0f), ones(21, 1.0f);
  for (const SimdLevel level : SupportedSimdLevels()) {
    const Kernels& kernels = KernelsFor(level);
    CHECK(SameBits(kernels.dot(zeros.data(), ones.data(), zeros.size()), 0.0f));
    CHECK(SameBits(kernels.max_abs(zeros.data(), zeros.size()), 0.0f));
    CHECK(SameBits(kernels.dot(nullptr, nullptr, 0), 0.0f));
    CHECK(SameBits(kernels.squared_distance(nullptr, nullptr, 0), 0.0f));
  }
}

// The transform by its definition, in the order of additions that the header promises.
std::vector<float> OracleHadamard(std::vector<float> x) {
  for (size_t h = 1; h < x.size(); h *= 2) {
    std::vector<float> next(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      next[i] = (i & h) == 0 ? x[i] + x[i + h] : x[i - h] - x[i];
    }
    x = next;
  }
  return x;
}

TEST_CASE("the Walsh-Hadamard transform is the same bits on every level") {
  std::mt19937 random(14);
  for (size_t n = 16; n <= 8'192; n *= 2) {
    for (const bool wild : {false, true}) {
      CAPTURE(n);
      CAPTURE(wild);
      const std::vector<float> x = RandomFloats(random, n, wild);
      const std::vector<float> expected = OracleHadamard(x);
      for (const SimdLevel level : SupportedSimdLevels()) {
        std::vector<float> actual = x;
        KernelsFor(level).hadamard(actual.data(), n);
        CHECK(SameBits(actual, expected));
      }
    }
  }
}

TEST_CASE("the Walsh-Hadamard transform is the product with the matrix of (-1)^|i and j|") {
  // Small integers: every sum is exact, whatever the order.
  std::mt19937 random(15);
  const size_t n = 128;
  std::vector<float> x(n);
  for (float& value : x) value = static_cast<float>(static_cast<int>(random() % 201) - 100);
  std::vector<float> expected(n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) expected[i] += std::popcount(i & j) % 2 == 0 ? x[j] : -x[j];
  }
  for (const SimdLevel level : SupportedSimdLevels()) {
    std::vector<float> actual = x;
    KernelsFor(level).hadamard(actual.data(), n);
    CHECK(actual == expected);
  }
}

TEST_CASE("floats are quantised to the nearest integer, halves to even, within 127") {
  const std::vector<float> x = {0.5f,   1.5f,        -0.5f,  -1.5f,     2.5f,       126.5f,
                                127.5f, 128.0f,      -300.f, kFloatMax, -kFloatMax, kInfinity,
                                -0.0f,  0.49999997f, 3.0f,   -126.5f,   kDenormal};
  const std::vector<int8_t> expected = {0,   2,    0,   -2, 2, 126, 127,  127, -127,
                                        127, -127, 127, 0,  0, 3,   -126, 0};
  REQUIRE(x.size() == expected.size());
  for (const SimdLevel level : SupportedSimdLevels()) {
    std::vector<int8_t> out(x.size() + 1, 99);
    KernelsFor(level).quantise(x.data(), 1.0f, x.size(), out.data());
    CHECK(out.back() == 99);
    out.pop_back();
    CHECK(out == expected);
  }
}

TEST_CASE("quantising gives the same codes on every level") {
  std::mt19937 random(16);
  for (int round = 0; round < 500; ++round) {
    const size_t n = 1 + random() % 300;
    const float inverse_scale = std::exp2(static_cast<float>(random() % 250) - 125.0f);
    CAPTURE(round);
    const std::vector<float> x = RandomFloats(random, n, round % 2 == 1);
    std::vector<int8_t> expected(n);
    for (size_t i = 0; i < n; ++i) {
      const float scaled = std::clamp(x[i] * inverse_scale, -127.0f, 127.0f);
      expected[i] = static_cast<int8_t>(std::nearbyint(scaled));
    }
    for (const SimdLevel level : SupportedSimdLevels()) {
      std::vector<int8_t> out(n);
      KernelsFor(level).quantise(x.data(), inverse_scale, n, out.data());
      CHECK(out == expected);
    }
  }
}

TEST_CASE("every half becomes its float and comes back") {
  std::vector<uint16_t> halves(65'536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  for (const SimdLevel level : SupportedSimdLevels()) {
    const Kernels& kernels = KernelsFor(level);
    std::vector<float> floats(halves.size());
    kernels.float_from_half(halves.data(), halves.size(), floats.data());
    std::vector<uint16_t> back(halves.size());
    kernels.half_from_float(floats.data(), floats.size(), back.data());
    size_t wrong = 0;
    for (size_t i = 0; i < halves.size(); ++i) {
      const int exponent = static_cast<int>(i >> 10 & 31), fraction = static_cast<int>(i & 1'023);
      const double magnitude = exponent == 31  ? (fraction == 0 ? kInfinity : std::nan(""))
                               : exponent == 0 ? std::ldexp(fraction, -24)
                                               : std::ldexp(1'024 + fraction, exponent - 25);
      const auto value = static_cast<float>(i < 32'768 ? magnitude : -magnitude);
      const uint16_t quiet = std::isnan(value) ? 0x200 : 0;
      if (!SameBits(floats[i], value) || back[i] != (halves[i] | quiet)) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("floats round to the nearest half on every level") {
  // Goal: right at every border. Method: every float whose low 12 bits are one of the patterns
  // around a tie, which is every way in which the 13 dropped bits can matter.
  const uint32_t low_bits[] = {0, 1, 0xfff, 0x1000, 0x1001, 0x1fff};
  for (const SimdLevel level : SupportedSimdLevels()) {
    const Kernels& kernels = KernelsFor(level);
    size_t wrong = 0;
    std::vector<float> floats;
    for (uint64_t high = 0; high < uint64_t{1} << 32; high += 0x2000) {
      // All of the range of halves, and a sample of the floats far outside.
      const uint64_t exponent = high >> 23 & 0xff;
      if ((exponent < 98 || exponent > 146) && exponent != 255 && high % 0xa000 != 0) continue;
      for (const uint32_t low : low_bits) {
        floats.push_back(std::bit_cast<float>(static_cast<uint32_t>(high) | low));
      }
    }
    std::vector<uint16_t> halves(floats.size());
    kernels.half_from_float(floats.data(), floats.size(), halves.data());
    for (size_t i = 0; i < floats.size(); ++i) wrong += halves[i] != OracleHalf(floats[i]);
    CHECK(wrong == 0);
  }
}

TEST_CASE("halves are converted at any length") {
  std::mt19937 random(17);
  for (size_t n = 0; n < 70; ++n) {
    const std::vector<float> x = RandomFloats(random, n, true);
    for (const SimdLevel level : SupportedSimdLevels()) {
      std::vector<uint16_t> halves(n + 1, 7);
      KernelsFor(level).half_from_float(x.data(), n, halves.data());
      CHECK(halves[n] == 7);
      for (size_t i = 0; i < n; ++i) CHECK(halves[i] == OracleHalf(x[i]));
      std::vector<float> floats(n + 1, 7.0f), expected(n);
      KernelsFor(level).float_from_half(halves.data(), n, floats.data());
      KernelsFor(SimdLevel::kBaseline).float_from_half(halves.data(), n, expected.data());
      CHECK(floats[n] == 7.0f);
      floats.pop_back();
      CHECK(SameBits(floats, expected));
    }
  }
}

TEST_CASE("scaled codes are added in the same bits on every level") {
  std::mt19937 random(18);
  for (int round = 0; round < 300; ++round) {
    const size_t n = round < 100 ? static_cast<size_t>(round) : 1 + random() % 3'000;
    CAPTURE(round);
    const std::vector<int8_t> code = RandomCodes(random, n, -128, 127);
    const std::vector<float> sum = RandomFloats(random, n, round % 2 == 1);
    const float scale = RandomFloats(random, 1, false)[0];
    std::vector<float> expected = sum;
    for (size_t i = 0; i < n; ++i) expected[i] += scale * static_cast<float>(code[i]);
    for (const SimdLevel level : SupportedSimdLevels()) {
      std::vector<float> actual = sum;
      actual.push_back(7.0f);
      KernelsFor(level).add_scaled(code.data(), scale, n, actual.data());
      CHECK(actual.back() == 7.0f);
      actual.pop_back();
      CHECK(SameBits(actual, expected));
    }
  }
}

TEST_CASE("signs and their sums are the same bits on every level") {
  std::mt19937 random(19);
  for (size_t n = 64; n <= 8'192; n = n < 640 ? n + 64 : n * 2) {
    for (int round = 0; round < 10; ++round) {
      CAPTURE(n);
      CAPTURE(round);
      const std::vector<int8_t> code = RandomCodes(random, n, -128, 127);
      std::vector<float> centroid = RandomFloats(random, n, false);
      // Differences of exactly zero, of either sign, count as not negative.
      const float scale = 1.0f / 64;
      for (size_t i = 0; i < n; i += 3) centroid[i] = scale * static_cast<float>(code[i]);
      const auto r = [&](size_t i) { return scale * static_cast<float>(code[i]) - centroid[i]; };
      std::vector<uint8_t> bits(n / 8);
      for (size_t i = 0; i < n; ++i) {
        if (!(r(i) < 0)) bits[i / 8] = static_cast<uint8_t>(bits[i / 8] | 1u << i % 8);
      }
      const float abs = OracleSum(n, [&](size_t i) { return std::fabs(r(i)); });
      const float sum =
          OracleSum(n, [&](size_t i) { return r(i) < 0 ? -centroid[i] : centroid[i]; });
      for (const SimdLevel level : SupportedSimdLevels()) {
        std::vector<uint8_t> actual(n / 8 + 1, 77);
        float actual_abs = 0, actual_sum = 0;
        KernelsFor(level).sign_bits(code.data(), scale, centroid.data(), n, actual.data(),
                                    &actual_abs, &actual_sum);
        CHECK(actual.back() == 77);
        actual.pop_back();
        CHECK(actual == bits);
        CHECK(SameBits(actual_abs, abs));
        CHECK(SameBits(actual_sum, sum));
      }
    }
  }
}

TEST_CASE("pattern sums are the same bytes on every level") {
  std::mt19937 random(20);
  for (size_t n = 64; n <= 8'192; n = n < 640 ? n + 64 : n * 2) {
    for (const float inverse_step : {1.0f, 20.0f, 37.5f, 1'000.0f, 1e-3f}) {
      CAPTURE(n);
      CAPTURE(inverse_step);
      std::vector<float> x = RandomFloats(random, n, false);
      x[0] = 0.0f, x[1] = -0.0f, x[2] = 0.0125f;  // halves, with some steps
      std::vector<uint8_t> expected(4 * n);
      for (size_t i = 0; i < n; i += 4) {
        for (size_t p = 0; p < 16; ++p) {
          float term[4];
          for (size_t j = 0; j < 4; ++j) {
            const float q = x[i + j];
            term[j] = (p >> j & 1) != 0 ? std::fabs(q) + q : std::fabs(q) - q;
          }
          const float sum = (term[0] + term[1]) + (term[2] + term[3]);
          expected[4 * i + p] =
              static_cast<uint8_t>(std::nearbyint(std::min(sum * inverse_step, 255.0f)));
        }
      }
      for (const SimdLevel level : SupportedSimdLevels()) {
        std::vector<uint8_t> out(4 * n + 1, 99);
        KernelsFor(level).pattern_sums(x.data(), inverse_step, n, out.data());
        CHECK(out.back() == 99);
        out.pop_back();
        CHECK(out == expected);
      }
    }
  }
}

TEST_CASE("sums of patterns are exact on every level, whatever the dimension") {
  // Goal: no overflow and no row or quad mistaken for another. Method: random tables and blocks,
  // and tables full of the greatest byte.
  std::mt19937 random(21);
  for (size_t n = 64; n <= 65'536; n = n < 640 ? n + 64 : n * 2) {
    for (const bool greatest : {false, true}) {
      CAPTURE(n);
      CAPTURE(greatest);
      const size_t quads = n / 4;
      std::vector<uint8_t> table(16 * quads + 1, 255), block(16 * quads + 1);
      for (uint8_t& byte : block) byte = static_cast<uint8_t>(random());
      if (!greatest) {
        for (uint8_t& byte : table) byte = static_cast<uint8_t>(random());
      }
      std::vector<uint32_t> expected(32);
      for (size_t quad = 0; quad < quads; ++quad) {
        for (size_t row = 0; row < 32; ++row) {
          const unsigned byte = block[1 + 16 * quad + row % 16];
          expected[row] += table[1 + 16 * quad + (row < 16 ? byte & 15 : byte >> 4)];
        }
      }
      for (const SimdLevel level : SupportedSimdLevels()) {
        std::vector<uint32_t> sums(32, 1'234);
        // A byte off the alignment.
        KernelsFor(level).sum_patterns(table.data() + 1, block.data() + 1, quads, sums.data());
        CHECK(sums == expected);
      }
    }
  }
}

TEST_CASE("the rows within reach are the same on every level") {
  std::mt19937 random(22);
  for (int round = 0; round < 1'000; ++round) {
    CAPTURE(round);
    std::vector<uint32_t> sums(32);
    for (uint32_t& sum : sums) sum = static_cast<uint32_t>(random() % 60'000);
    const bool wild = round % 4 == 3;
    const std::vector<float> constant = RandomFloats(random, 32, wild);
    const std::vector<float> slope = RandomFloats(random, 32, wild);
    const std::vector<float> spread = RandomFloats(random, 32, wild);
    const std::vector<float> norms2 = RandomFloats(random, 32, wild);
    ReachTerms terms{.step = 1e-4f, .base = -3, .distance = 1.5f, .norm_factor = 0.5f, .limit = 0};
    if (round % 5 == 1) terms.limit = -kInfinity;
    if (round % 5 == 2) terms.limit = kInfinity;
    uint32_t expected = 0;
    for (size_t j = 0; j < 32; ++j) {
      const float inner = terms.step * static_cast<float>(sums[j]) + terms.base;
      const float upper =
          ((constant[j] + slope[j] * inner) + spread[j] * terms.distance) - norms2[j] * 0.5f;
      if (!(upper < terms.limit)) expected |= uint32_t{1} << j;
    }
    for (const SimdLevel level : SupportedSimdLevels()) {
      CHECK(KernelsFor(level).reach(sums.data(), constant.data(), slope.data(), spread.data(),
                                    norms2.data(), terms) == expected);
    }
  }
}

}  // namespace
}  // namespace libkv
