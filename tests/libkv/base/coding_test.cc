#include "base/coding.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace libkv {
namespace {

TEST_CASE("numbers come back as they were written") {
  const uint64_t numbers[] = {
      0,      1,      127,        128,          16'383,
      16'384, 0xffff, 0xffffffff, 0xffffffffff, std::numeric_limits<uint64_t>::max()};
  for (const uint64_t n : numbers) {
    std::string bytes;
    AppendVarint(bytes, n);
    AppendFixed16(bytes, static_cast<uint16_t>(n));
    AppendFixed32(bytes, static_cast<uint32_t>(n));
    AppendFixed40(bytes, n & 0xffffffffff);
    AppendFixed64(bytes, n);
    AppendBytes(bytes, "tail");
    Reader in(bytes);
    uint64_t varint = 0, fixed40 = 0, fixed64 = 0;
    uint32_t fixed32 = 0;
    uint16_t fixed16 = 0;
    std::string_view tail;
    REQUIRE(in.Varint(&varint));
    REQUIRE(in.Fixed16(&fixed16));
    REQUIRE(in.Fixed32(&fixed32));
    REQUIRE(in.Fixed40(&fixed40));
    REQUIRE(in.Fixed64(&fixed64));
    REQUIRE(in.Bytes(&tail));
    CHECK(in.done());
    CHECK(varint == n);
    CHECK(fixed16 == static_cast<uint16_t>(n));
    CHECK(fixed32 == static_cast<uint32_t>(n));
    CHECK(fixed40 == (n & 0xffffffffff));
    CHECK(fixed64 == n);
    CHECK(tail == "tail");
  }
}

TEST_CASE("truncated and oversized numbers are refused, and so is everything after them") {
  std::string bytes;
  AppendVarint(bytes, std::numeric_limits<uint64_t>::max());
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    Reader in(std::string_view(bytes).substr(0, cut));
    uint64_t n;
    uint8_t byte;
    CHECK_FALSE(in.Varint(&n));
    CHECK_FALSE(in.Fixed8(&byte));
    CHECK_FALSE(in.done());
  }
  uint64_t n;
  uint32_t narrow;
  std::string_view view;
  CHECK_FALSE(Reader(std::string(9, '\xff') + '\x02').Varint(&n));  // 65 bits
  CHECK_FALSE(Reader(std::string(11, '\x80')).Varint(&n));          // never ends
  CHECK_FALSE(Reader(std::string("\x80\x80\x80\x80\x10")).Varint32(&narrow));
  CHECK_FALSE(Reader(std::string("\x05"
                                 "abc"))
                  .Bytes(&view));
}

TEST_CASE("ordered doubles sort as the numbers do") {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> ascending = {-inf,   -1e300, -2,  -1,    -1e-300, 0,
                                         5e-324, 1,      1.5, 1e300, inf};
  for (size_t i = 0; i + 1 < ascending.size(); ++i) {
    CHECK(OrderedFromDouble(ascending[i]) < OrderedFromDouble(ascending[i + 1]));
    CHECK(DoubleFromOrdered(OrderedFromDouble(ascending[i])) == ascending[i]);
  }
  CHECK(OrderedFromDouble(-0.0) == OrderedFromDouble(0.0));
  CHECK(OrderedFromDouble(std::nan("")) > OrderedFromDouble(inf));
  CHECK(OrderedFromDouble(-std::nan("7")) == OrderedFromDouble(std::nan("")));
}

}  // namespace
}  // namespace libkv
