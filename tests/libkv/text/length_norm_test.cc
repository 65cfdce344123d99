#include "text/length_norm.h"

#include <doctest/doctest.h>

namespace libkv {
namespace {

TEST_CASE("lengths below 40 are exact") {
  for (uint32_t length = 0; length < 40; ++length) {
    CHECK(DecodeLength(EncodeLength(length)) == length);
  }
}

TEST_CASE("every code is the code of the length it stands for, and codes ascend with lengths") {
  for (uint32_t code = 0; code < 256; ++code) {
    const uint32_t length = DecodeLength(static_cast<uint8_t>(code));
    CHECK(EncodeLength(length) == code);
    CHECK(kLengths[code] == length);
    if (code > 0) {
      CHECK(length > DecodeLength(static_cast<uint8_t>(code - 1)));
      CHECK(EncodeLength(length - 1) == code - 1);
    }
  }
}

TEST_CASE("the error stays below an eighth") {
  for (uint64_t length = 40; length <= kEncodedLengthMax; length += 1 + length / 97) {
    const auto decoded =
        static_cast<double>(DecodeLength(EncodeLength(static_cast<uint32_t>(length))));
    const auto exact = static_cast<double>(length);
    CAPTURE(length);
    REQUIRE(decoded <= exact);
    REQUIRE(exact - decoded < exact / 8);
  }
}

TEST_CASE("the ends of the range and the values of the format") {
  CHECK(EncodeLength(UINT32_MAX) == 255);
  CHECK(kEncodedLengthMax == 2'013'265'944);
  CHECK(EncodeLength(40) == 40);
  CHECK(EncodeLength(41) == 40);
  CHECK(EncodeLength(100) == 57);
  CHECK(EncodeLength(1'000) == 87);
  CHECK(EncodeLength(1'000'000) == 167);
}

}  // namespace
}  // namespace libkv
