#include "text/cosine_norm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

namespace libkv {
namespace {

TEST_CASE("every code is the code of the norm it stands for, and norms ascend with codes") {
  for (uint32_t code = 0; code <= UINT16_MAX; ++code) {
    const float norm = DecodeCosineNorm(static_cast<uint16_t>(code));
    REQUIRE(EncodeCosineNorm(norm) == code);
    if (code > 0) REQUIRE(norm > DecodeCosineNorm(static_cast<uint16_t>(code - 1)));
  }
}

TEST_CASE("the error stays below 2^-13, and greater norms never get lesser codes") {
  constexpr uint32_t kSeed = 11;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  uint16_t last = 0;
  for (float norm = 1; norm < 65'528;) {
    const uint16_t code = EncodeCosineNorm(norm);
    const float decoded = DecodeCosineNorm(code);
    CAPTURE(norm);
    REQUIRE(std::abs(decoded - norm) <= norm / 8'192);
    REQUIRE(code >= last);
    last = code;
    norm *= 1 + static_cast<float>(random() % 1'000) * 1e-6F;
    norm = std::nextafter(norm, std::numeric_limits<float>::infinity());
  }
}

TEST_CASE("what is no norm of a document becomes the nearest that is") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float norm : {0.0F, 0.5F, -1.0F, -kInfinity, std::nanf("")}) {
    CHECK(EncodeCosineNorm(norm) == 0);
  }
  CHECK(DecodeCosineNorm(0) == 1);
  CHECK(DecodeCosineNorm(UINT16_MAX) == 65'528);
  for (const float norm : {65'528.0F, 65'536.0F, 1e30F, kInfinity}) {
    CHECK(EncodeCosineNorm(norm) == UINT16_MAX);
  }
}

TEST_CASE("the values of the format") {
  CHECK(EncodeCosineNorm(1.5F) == 0x0800);
  CHECK(EncodeCosineNorm(2) == 0x1000);
  CHECK(EncodeCosineNorm(10) == 0x3400);
  CHECK(EncodeCosineNorm(std::nextafter(2.0F, 1.0F)) == 0x1000);  // rounded up into the exponent
}

}  // namespace
}  // namespace libkv
