#include "vector/metric.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/strings.h"
#include "vector/code.h"
#include "vector/kernels.h"
#include "vector/norm.h"

namespace libkv {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kL2, Metric::kInnerProduct};

std::string Refusal(const std::vector<float>& vector, size_t dimension, Metric metric,
                    VectorPrecision precision = VectorPrecision::kFloat32) {
  const absl::Status status = CheckVector(vector, dimension, metric, precision);
  if (status.ok()) return "";
  CHECK(absl::IsInvalidArgument(status));
  return std::string(ToStd(status.message()));
}

bool Mentions(const std::string& message, std::string_view word) {
  return message.find(word) != std::string::npos;
}

TEST_CASE("a vector of another dimension is refused, naming both") {
  for (const Metric metric : kMetrics) {
    CHECK(Refusal({1, 2, 3}, 3, metric).empty());
    const std::string message = Refusal({1, 2, 3}, 41, metric);
    CHECK(Mentions(message, "dimension 3,"));
    CHECK(Mentions(message, "41"));
    CHECK_FALSE(Refusal({}, 3, metric).empty());
  }
}

TEST_CASE("NaN and infinity are refused, naming the element") {
  for (const Metric metric : kMetrics) {
    for (const float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
      std::vector<float> vector(20, 1.0f);
      vector[17] = bad;
      CHECK(Mentions(Refusal(vector, 20, metric), "element 17 "));
    }
  }
}

TEST_CASE("a vector without direction is refused under cosine only") {
  for (const float zero : {0.0f, -0.0f}) {
    CHECK(Mentions(Refusal({zero, zero}, 2, Metric::kCosine), "cosine"));
    CHECK(Refusal({zero, zero}, 2, Metric::kL2).empty());
    CHECK(Refusal({zero, zero}, 2, Metric::kInnerProduct).empty());
  }
  CHECK(Refusal({0, std::numeric_limits<float>::denorm_min()}, 2, Metric::kCosine).empty());
}

TEST_CASE("vectors too long to be compared in floats are refused, except under cosine") {
  const std::vector<float> huge = {3e38f, -3e38f};
  CHECK(Refusal(huge, 2, Metric::kCosine).empty());
  CHECK(Mentions(Refusal(huge, 2, Metric::kL2), "too long"));
  CHECK(Mentions(Refusal(huge, 2, Metric::kInnerProduct), "too long"));
  CHECK(Refusal({4e18f, 2e18f}, 2, Metric::kL2).empty());
}

TEST_CASE("the longest accepted vectors have finite scores") {
  for (const size_t dimension : {1, 64, 8'192}) {
    const auto x =
        static_cast<float>(std::sqrt(kSquaredNormMax / static_cast<double>(dimension)) * 0.999999);
    const std::vector<float> a(dimension, x), b(dimension, -x);
    for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
      REQUIRE(Refusal(a, dimension, metric).empty());
      CHECK(std::isfinite(ExactScore(metric, a, b)));
      CHECK(ExactScore(metric, a, b) < ExactScore(metric, a, a));
    }
  }
}

TEST_CASE("elements that half precision cannot hold are refused where it is used") {
  const auto half = VectorPrecision::kFloat16;
  CHECK(Refusal({65'519.0f}, 1, Metric::kL2, half).empty());
  CHECK(Mentions(Refusal({0, -65'520.0f}, 2, Metric::kL2, half), "element 1 "));
  CHECK(Refusal({65'520.0f}, 1, Metric::kL2).empty());
  CHECK(Refusal({65'520.0f}, 1, Metric::kCosine, half).empty());  // is normalised first
}

TEST_CASE("normalised vectors have length one, from the smallest floats to the greatest") {
  std::mt19937 random(41);
  std::normal_distribution<float> normal;
  for (int exponent = -149; exponent <= 120; exponent += 3) {
    CAPTURE(exponent);
    std::vector<float> vector(1 + random() % 500);
    for (float& x : vector) x = std::ldexp(normal(random), exponent);
    vector[0] = std::ldexp(3.0f, exponent);
    Normalise(vector);
    CHECK(SquaredNorm(vector) == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("scores are what the metrics promise") {
  const std::vector<float> q = {1, 2, 3}, v = {-1, 4, 2};
  CHECK(ExactScore(Metric::kInnerProduct, q, v) == 13);
  CHECK(ExactScore(Metric::kL2, q, v) == -9);
  const float same = ExactScore(Metric::kL2, q, q);
  CHECK(std::bit_cast<uint32_t>(same) == 0);  // not -0
  std::vector<float> a = {3, 4}, b = {4, 3};
  Normalise(a);
  Normalise(b);
  CHECK(ExactScore(Metric::kCosine, a, b) == doctest::Approx(0.96));
}

}  // namespace
}  // namespace libkv
