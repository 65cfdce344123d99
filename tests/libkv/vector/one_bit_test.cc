#include "vector/one_bit.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "vector/code_array.h"

namespace libkv {
namespace {

constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kL2, Metric::kInnerProduct};

std::vector<float> Gaussian(std::mt19937& random, size_t n, float deviation) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> vector(n);
  for (float& x : vector) x = normal(random);
  return vector;
}

// 32 codes around a centroid, encoded.
struct Block {
  Block(const CodeArray& codes, const CodeView& centroid)
      : bits(OneBitBlockBytes(codes.padded())), norms2(kOneBitRows) {
    const OneBitCentroid around(centroid);
    for (size_t i = 0; i < codes.size(); ++i) {
      around.Encode(codes[i], i, bits.data(), &factors);
      norms2[i] = codes.code(i).norm2;
    }
    PackBits(codes.padded(), bits.data());
  }
  std::vector<uint8_t> bits;
  OneBitFactors factors = {};
  std::vector<float> norms2;
};

double DotOf(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum;
}

std::vector<float> Decoded(const CodeView& code) {
  std::vector<float> floats(code.values.size());
  Decode(code, floats.data());
  return floats;
}

TEST_CASE("two bytes per coordinate leave almost nothing of the query's rounding") {
  std::mt19937 random(61);
  for (const size_t padded : {64, 384, 1'024, 8'192}) {
    const std::vector<float> q = Gaussian(random, padded, 3);
    CodeArray code(1, padded);
    code.Encode(0, Gaussian(random, padded, 2));
    for (const Metric metric : kMetrics) {
      const ListQuery query = MakeListQuery(q, metric);
      const int32_t high = ActiveKernels().dot_i8(query.high.data(), code.values(), padded);
      const double dot = PreciseDot(query, code.code(0), code.values(), high);
      const double expected = DotOf(q, Decoded(code[0]));
      const double norms = std::sqrt(DotOf(q, q)) * std::sqrt(double{code.code(0).norm2});
      CHECK(std::fabs(dot - expected) < 3e-5 * norms);
      const double score = ScoreOfDot(query, code.code(0), dot);
      const double exact =
          metric == Metric::kL2 ? 2 * expected - DotOf(q, q) - code.code(0).norm2 : expected;
      CHECK(std::fabs(score - exact) < 1e-4 * (norms + std::fabs(exact)));
    }
  }
}

TEST_CASE("the guess of a dot product is unbiased and its margin is what the theory says") {
  // Goal: both sides of the bound. Method: guesses for many pairs; without its margin each upper
  // bound would be the guess, and the margin is kOneBitDeviations times the deviation.
  for (const size_t padded : {64, 128, 384, 832}) {
    CAPTURE(padded);
    std::mt19937 random(62);
    double sum = 0, squares = 0;
    size_t count = 0;
    for (int round = 0; round < 60; ++round) {
      CodeArray codes(kOneBitRows, padded), centroid(1, padded);
      const std::vector<float> c = Gaussian(random, padded, 1);
      centroid.Encode(0, c);
      for (size_t i = 0; i < kOneBitRows; ++i) {
        std::vector<float> v = Gaussian(random, padded, 0.7f);
        for (size_t j = 0; j < padded; ++j) v[j] += c[j];
        codes.Encode(i, v);
      }
      const Block block(codes, centroid[0]);
      std::vector<float> q = Gaussian(random, padded, 1);
      for (size_t j = 0; j < padded; ++j) q[j] += c[j];
      const ListQuery query = MakeListQuery(q, Metric::kInnerProduct);
      const std::vector<float> decoded = Decoded(centroid[0]);
      const double centroid_dot = DotOf(q, decoded);
      std::vector<float> y = q;
      for (size_t j = 0; j < padded; ++j) y[j] -= decoded[j];
      const double distance = std::sqrt(DotOf(y, y));
      uint32_t sums[kOneBitRows];
      SumBits(ActiveKernels(), query, block.bits.data(), sums);
      for (size_t i = 0; i < kOneBitRows; ++i) {
        const double signs = double{query.sum_step} * sums[i] - query.sum_base;
        const double guess =
            centroid_dot + block.factors.constant[i] + block.factors.slope[i] * signs;
        const double deviation = block.factors.spread[i] * distance / kOneBitDeviations;
        const double error = (guess - DotOf(q, Decoded(codes[i]))) / deviation;
        sum += error;
        squares += error * error;
        ++count;
      }
    }
    const double n = static_cast<double>(count);
    CHECK(std::fabs(sum / n) < 0.1);
    CHECK(std::sqrt(squares / n) > 0.8);
    CHECK(std::sqrt(squares / n) < 1.15);
  }
}

TEST_CASE("few entries that reach a threshold are overlooked, and few others are not") {
  // Goal: the bound is useful both ways under every metric. Method: the threshold is the score of
  // the best quarter of the rows.
  for (const Metric metric : kMetrics) {
    CAPTURE(static_cast<int>(metric));
    std::mt19937 random(63);
    const size_t padded = 384;
    size_t reaching = 0, overlooked = 0, needless = 0;
    for (int round = 0; round < 200; ++round) {
      CodeArray codes(kOneBitRows, padded), centroid(1, padded);
      const std::vector<float> c = Gaussian(random, padded, 1);
      centroid.Encode(0, c);
      for (size_t i = 0; i < kOneBitRows; ++i) {
        std::vector<float> v = Gaussian(random, padded, 0.5f);
        for (size_t j = 0; j < padded; ++j) v[j] += c[j];
        codes.Encode(i, v);
      }
      const Block block(codes, centroid[0]);
      const std::vector<float> q = Gaussian(random, padded, 1);
      const ListQuery query = MakeListQuery(q, metric);
      std::vector<float> scores(kOneBitRows);
      for (size_t i = 0; i < kOneBitRows; ++i) {
        scores[i] = ScoreOfDot(query, codes.code(i), DotOf(q, Decoded(codes[i])));
      }
      std::vector<float> sorted = scores;
      std::sort(sorted.begin(), sorted.end(), std::greater<>());
      const std::vector<float> decoded = Decoded(centroid[0]);
      const double dot = DotOf(q, decoded);
      const double distance = std::sqrt(DotOf(q, q) - 2 * dot + DotOf(decoded, decoded));
      OneBitBound bound(query, metric, dot, distance);
      uint32_t sums[kOneBitRows];
      SumBits(ActiveKernels(), query, block.bits.data(), sums);
      const uint32_t rows =
          bound.Reach(ActiveKernels(), sums, block.factors, block.norms2.data(), sorted[7]);
      for (size_t i = 0; i < kOneBitRows; ++i) {
        const bool reaches = scores[i] >= sorted[7];
        const bool kept = (rows >> i & 1) != 0;
        reaching += reaches;
        overlooked += reaches && !kept;
        needless += !reaches && kept;
      }
    }
    CHECK(reaching == 1'600);
    CHECK(overlooked < reaching / 50);
    CHECK(needless < 200 * 24 * 9 / 10);
    CHECK(needless > 0);
  }
}

TEST_CASE("factors and bounds are numbers, whatever the vectors") {
  // Given vectors that equal the centroid, lie in one coordinate, or are as short or as long as
  // they can be.
  std::mt19937 random(64);
  const size_t padded = 128;
  for (const float length : {0.0f, 1e-45f, 1e-38f, 1e-20f, 1.0f, 1e10f, 4e17f}) {
    CAPTURE(length);
    CodeArray codes(kOneBitRows, padded), centroid(1, padded);
    centroid.Encode(0, Gaussian(random, padded, length));
    for (size_t i = 0; i < kOneBitRows; ++i) {
      std::vector<float> v(padded);
      if (i % 4 == 0) v[i] = length;
      if (i % 4 == 1) v = Gaussian(random, padded, length);
      if (i % 4 == 2) v = Decoded(centroid[0]);
      codes.Encode(i, v);
    }
    const Block block(codes, centroid[0]);
    for (size_t i = 0; i < kOneBitRows; ++i) {
      CHECK(std::isfinite(block.factors.constant[i]));
      CHECK(std::isfinite(block.factors.slope[i]));
      CHECK(std::isfinite(block.factors.spread[i]));
      CHECK(block.factors.slope[i] >= 0);
      CHECK(block.factors.spread[i] >= 0);
    }
    for (const float query_length : {0.0f, length, 1.0f}) {
      const std::vector<float> q = Gaussian(random, padded, query_length);
      const ListQuery query = MakeListQuery(q, Metric::kL2);
      CHECK(std::isfinite(query.sum_step));
      CHECK(std::isfinite(query.sum_base));
      CHECK(std::isfinite(query.sum_noise));
      uint32_t sums[kOneBitRows];
      SumBits(ActiveKernels(), query, block.bits.data(), sums);
      OneBitBound bound(query, Metric::kL2, 0, 0);
      constexpr float kNone = -std::numeric_limits<float>::infinity();
      CHECK(bound.Reach(ActiveKernels(), sums, block.factors, block.norms2.data(), kNone) ==
            0xffffffff);
    }
  }
}

}  // namespace
}  // namespace libkv
