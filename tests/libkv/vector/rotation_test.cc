#include "vector/rotation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "vector/norm.h"

namespace libkv {
namespace {

std::vector<float> Rotate(const Rotation& rotation, const std::vector<float>& vector) {
  std::vector<float> rotated(rotation.padded(), 99.0f);
  rotation.Apply(vector, rotated);
  return rotated;
}

std::vector<float> RandomVector(std::mt19937& random, size_t n) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(n);
  for (float& x : vector) x = normal(random);
  return vector;
}

// FNV-1a over the little-endian bits.
uint64_t Fingerprint(const std::vector<float>& vector) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const float x : vector) {
    for (int shift = 0; shift < 32; shift += 8) {
      hash = (hash ^ (std::bit_cast<uint32_t>(x) >> shift & 0xff)) * 0x100000001b3;
    }
  }
  return hash;
}

TEST_CASE("the rotation of version 1 is the same for ever") {
  // Goal: stored codes stay readable. Method: fingerprints computed by a program that followed the
  // recipe of libkv/doc/vectors.md, in another language.
  struct Golden {
    size_t dimension;
    uint64_t seed;
    uint64_t fingerprint;
  };
  const Golden goldens[] = {
      {1, 0u, 0x926edbfbd1968931},       {3, 1u, 0x28306e9830c88d2e},
      {64, 7u, 0x9280ae36a9ab1560},      {100, 18446744073709551615u, 0xa5b7b425412e6b60},
      {192, 12345u, 0x6508296a316490b5}, {784, 9u, 0xbe0bebeb75fb1133},
      {1000, 5u, 0x0371a8ee8103b2c6},    {1024, 42u, 0x6f5578f375e6f287},
      {8192, 3u, 0x6d8fd92e628095fa},
  };
  REQUIRE(kRotationVersion == 1);
  for (const Golden& golden : goldens) {
    CAPTURE(golden.dimension);
    std::vector<float> vector(golden.dimension);
    for (size_t i = 0; i < vector.size(); ++i) {
      vector[i] = (static_cast<float>(i * 37 % 101) - 50) / 8;
    }
    const Rotation rotation(golden.dimension, golden.seed);
    CHECK(Fingerprint(Rotate(rotation, vector)) == golden.fingerprint);
  }
}

TEST_CASE("a rotated vector has a multiple of 64 coordinates") {
  CHECK(PaddedDimension(1) == 64);
  CHECK(PaddedDimension(64) == 64);
  CHECK(PaddedDimension(65) == 128);
  CHECK(PaddedDimension(8'192) == 8'192);
  CHECK(Rotation(100, 1).padded() == 128);
  CHECK(Rotation(100, 1).dimension() == 100);
}

TEST_CASE("lengths and distances stay within 1e-5, at every dimension") {
  std::mt19937 random(21);
  for (size_t dimension = 1; dimension <= 8'192; dimension += 1 + dimension / 3) {
    CAPTURE(dimension);
    const Rotation rotation(dimension, dimension);
    for (const float magnitude : {1.0f, 1e-18f, 1e18f}) {
      std::vector<float> a = RandomVector(random, dimension), b = RandomVector(random, dimension);
      for (float& x : a) x *= magnitude / std::sqrt(static_cast<float>(dimension));
      for (float& x : b) x *= magnitude / std::sqrt(static_cast<float>(dimension));
      const std::vector<float> ra = Rotate(rotation, a), rb = Rotate(rotation, b);
      std::vector<float> difference(dimension), rotated_difference(rotation.padded());
      for (size_t i = 0; i < dimension; ++i) difference[i] = a[i] - b[i];
      for (size_t i = 0; i < ra.size(); ++i) rotated_difference[i] = ra[i] - rb[i];
      CHECK(std::sqrt(SquaredNorm(ra) / SquaredNorm(a)) == doctest::Approx(1).epsilon(1e-5));
      CHECK(std::sqrt(SquaredNorm(rotated_difference) / SquaredNorm(difference)) ==
            doctest::Approx(1).epsilon(1e-5));
    }
  }
}

float MaxCoordinate(const Rotation& rotation, const std::vector<float>& vector) {
  float max = 0;
  for (const float x : Rotate(rotation, vector)) max = std::max(max, std::fabs(x));
  return max;
}

TEST_CASE("a vector of few or equal coordinates is spread over all") {
  // Goal: what makes one byte per coordinate enough. Method: the greatest coordinate of a rotated
  // unit vector stays near that of a random direction, sqrt(2 ln(2n) / n); twice that is refused.
  for (const size_t dimension :
       {1, 64, 65, 100, 192, 300, 832, 1'024, 4'160, 6'000, 8'128, 8'192}) {
    CAPTURE(dimension);
    const Rotation rotation(dimension, 77);
    const auto n = static_cast<double>(rotation.padded());
    const double most = 2 * std::sqrt(2 * std::log(2 * n) / n);
    for (size_t hot = 0; hot < dimension; hot += 1 + dimension / 23) {
      CAPTURE(hot);
      std::vector<float> vector(dimension);
      vector[hot] = 1;
      CHECK(MaxCoordinate(rotation, vector) < most);
    }
    const float equal = 1 / std::sqrt(static_cast<float>(dimension));
    CHECK(MaxCoordinate(rotation, std::vector<float>(dimension, equal)) < most);
  }
}

TEST_CASE("another seed is another rotation") {
  const std::vector<float> vector(128, 1.0f);
  CHECK(Rotate(Rotation(128, 1), vector) != Rotate(Rotation(128, 2), vector));
  CHECK(Rotate(Rotation(128, 1), vector) == Rotate(Rotation(128, 1), vector));
}

}  // namespace
}  // namespace libkv
