#include "vector/code.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "vector/metric.h"
#include "vector/norm.h"

namespace libkv {
namespace {

std::string RowOf(const std::vector<float>& rotated) {
  std::vector<int8_t> values(rotated.size());
  const Code code = Encode(rotated, values.data());
  std::string row;
  AppendCode(row, code, values);
  return row;
}

std::string RowOf(float scale, float norm2, size_t padded) {
  std::string row;
  AppendCode(row, {scale, norm2}, std::vector<int8_t>(padded));
  return row;
}

TEST_CASE("a code gives every coordinate back to half a scale") {
  std::mt19937 random(31);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    std::vector<float> rotated(64 * (1 + random() % 8));
    // From the smallest floats to the longest vectors that are accepted.
    const float magnitude = std::exp2(static_cast<float>(random() % 195) - 140.0f);
    for (float& x : rotated) x = normal(random) * magnitude;
    std::vector<int8_t> values(rotated.size());
    const Code code = Encode(rotated, values.data());
    CHECK(code.norm2 == static_cast<float>(SquaredNorm(rotated)));
    for (size_t i = 0; i < rotated.size(); ++i) {
      const double back = double{code.scale} * values[i];
      CHECK(std::fabs(back - rotated[i]) <= 0.5001 * code.scale);
      CHECK(values[i] >= -127);
    }
  }
}

TEST_CASE("the grammar of a row is fixed") {
  std::vector<float> rotated(64);
  rotated[0] = 127;
  rotated[1] = -1;
  rotated[2] = 2.5f;
  rotated[63] = -127;
  const std::string row = RowOf(rotated);
  REQUIRE(row.size() == CodeBytes(64));
  CHECK(row.substr(0, 4) == std::string("\x00\x00\x80\x3f", 4));  // scale 1
  CHECK(row.substr(4, 4) == std::string("\x80\x12\xfc\x46", 4));  // 32,265.25
  CHECK(row.substr(8, 4) == std::string("\x7f\xff\x02\x00", 4));
  CHECK(row.back() == '\x81');
}

TEST_CASE("a vector of zeros has scale 0, whatever the sign of the zeros") {
  for (const float zero : {0.0f, -0.0f}) {
    const std::string row = RowOf(std::vector<float>(64, zero));
    CHECK(row == std::string(CodeBytes(64), '\0'));
    CHECK(DecodeCode(row, 64).ok());
  }
}

TEST_CASE("what was encoded is decoded, at every length of vector that is accepted") {
  std::mt19937 random(32);
  std::normal_distribution<float> normal;
  for (int exponent = -149; exponent <= 61; ++exponent) {
    CAPTURE(exponent);
    std::vector<float> rotated(128);
    for (float& x : rotated) x = std::ldexp(normal(random) / 16, exponent);
    // One coordinate holds all of the length: the extreme that the decoder must still believe.
    std::vector<float> hot(128);
    hot[5] = std::ldexp(-1.0f, exponent);
    for (const std::vector<float>& vector : {rotated, hot}) {
      REQUIRE(SquaredNorm(vector) <= kSquaredNormMax);
      std::vector<int8_t> values(vector.size());
      const Code code = Encode(vector, values.data());
      const std::string row = RowOf(vector);
      const auto view = DecodeCode(row, 128);
      REQUIRE(view.ok());
      CHECK(view->code.scale == code.scale);
      CHECK(view->code.norm2 == code.norm2);
      CHECK(std::equal(values.begin(), values.end(), view->values.begin(), view->values.end()));
    }
  }
}

TEST_CASE("rows that no encoder wrote are refused") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  CHECK(DecodeCode(RowOf(0.5f, 5'000.0f, 64), 64).ok());
  const std::string row = RowOf(0.5f, 5'000.0f, 64);
  for (const std::string& bad :
       {std::string(), row.substr(0, 7), row.substr(0, 8), row.substr(0, row.size() - 1), row + "x",
        RowOf(kNan, 1, 64), RowOf(1, kNan, 64), RowOf(kInfinity, kInfinity, 64),
        RowOf(1, kInfinity, 64), RowOf(-1, 32'000, 64), RowOf(0, -1, 64), RowOf(1, 2, 64),
        RowOf(1e30f, 1e10f, 64), RowOf(1, 3e38f, 64)}) {
    CHECK(DecodeCode(bad, 64).status().code() == absl::StatusCode::kDataLoss);
  }
  CHECK_FALSE(DecodeCode(row, 128).ok());
}

}  // namespace
}  // namespace libkv
