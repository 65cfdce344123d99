#include "format/ordered_value.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "libkv/format/hex.h"

namespace libkv {
namespace {

TEST_CASE("ordered values have the bytes of the format page") {
  CHECK(ToHex(OrderedNull()) == "10");
  CHECK(ToHex(OrderedBool(false)) == "2000");
  CHECK(ToHex(OrderedBool(true)) == "2001");
  // 1.0 is 3ff0..., positive numbers get their sign bit set; -1.0 is bff0..., all bits inverted.
  CHECK(ToHex(OrderedNumber(1)) ==
        "30"
        "bff0000000000000");
  CHECK(ToHex(OrderedNumber(-1)) ==
        "30"
        "400fffffffffffff");
  CHECK(ToHex(OrderedNumber(0)) ==
        "30"
        "8000000000000000");
  CHECK(ToHex(OrderedNumber(-0.0)) ==
        "30"
        "8000000000000000");
  CHECK(ToHex(OrderedText("ab")) ==
        "40"
        "6162"
        "0001");
  CHECK(ToHex(OrderedText("")) ==
        "40"
        "0001");
  CHECK(ToHex(OrderedText(std::string("a\0b", 3))) ==
        "40"
        "61"
        "00ff"
        "62"
        "0001");
  const std::string text(240, 'x');
  CHECK(OrderedText(text) == "\x40" + text + FromHex("0001"));
  // XXH3-128 of 241 times 'x', by libxxhash.
  CHECK(OrderedText(text + "x") == "\x40" + text +
                                       FromHex("0002"
                                               "586c2f1b13edf30f"
                                               "14da9e5c301a6a1d"));
}

TEST_CASE("ordered values sort as the values do") {
  // Goal: the order of format.md. Method: a list in that order, every pair compared.
  const std::vector<std::string> sorted = {
      OrderedNull(),
      OrderedBool(false),
      OrderedBool(true),
      OrderedNumber(-std::numeric_limits<double>::infinity()),
      OrderedNumber(-std::numeric_limits<double>::max()),
      OrderedNumber(-2.5),
      OrderedNumber(-std::numeric_limits<double>::denorm_min()),
      OrderedNumber(0),
      OrderedNumber(std::numeric_limits<double>::denorm_min()),
      OrderedNumber(1e-300),
      OrderedNumber(3),
      OrderedNumber(1e300),
      OrderedText(""),
      OrderedText(std::string("\0", 1)),
      OrderedText(std::string("\0\0", 2)),
      OrderedText(std::string("\0\1", 2)),
      OrderedText("\1"),
      OrderedText("a"),
      OrderedText(std::string("a\0", 2)),
      OrderedText(std::string("a\0a", 3)),
      OrderedText("a\1"),
      OrderedText("aa"),
      OrderedText("b"),
      OrderedText("\xff"),
      OrderedText("\xff\xff"),
  };
  for (size_t a = 0; a < sorted.size(); ++a) {
    for (size_t b = 0; b < sorted.size(); ++b) {
      CAPTURE(ToHex(sorted[a]));
      CAPTURE(ToHex(sorted[b]));
      CHECK((sorted[a] < sorted[b]) == (a < b));
    }
  }
}

TEST_CASE("random numbers and texts sort as they do outside") {
  constexpr uint32_t kSeed = 11;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  const auto number = [&] {
    const int exponent = static_cast<int>(random() % 600) - 300;
    const double magnitude = std::ldexp(static_cast<double>(random() % 1'000), exponent);
    return random() % 2 ? magnitude : -magnitude;
  };
  const auto text = [&] {
    std::string out(random() % 6, '\0');
    for (char& c : out) c = "\0\1\2a\xff"[random() % 5];
    return out;
  };
  for (int i = 0; i < 20'000; ++i) {
    const double x = number(), y = number();
    CHECK((OrderedNumber(x) < OrderedNumber(y)) == (x < y));
    const std::string a = text(), b = text();
    CAPTURE(ToHex(a));
    CAPTURE(ToHex(b));
    CHECK((OrderedText(a) < OrderedText(b)) == (a < b));
    CHECK((OrderedText(a) == OrderedText(b)) == (a == b));
  }
}

TEST_CASE("long texts stay apart and near their place") {
  const std::string front(kOrderedTextBytesMax, 'm');
  CHECK(OrderedText(front + "a") != OrderedText(front + "b"));
  CHECK(OrderedText(front + "a") != OrderedText(front));
  CHECK(OrderedText(std::string(1'000, 'a')) < OrderedText(std::string(1'000, 'b')));
  CHECK(OrderedText(front) < OrderedText(front + "a"));
  CHECK(OrderedText(front + "a") < OrderedText("n"));
}

TEST_CASE("the end of an ordered value is found, and every cut is noticed") {
  for (const std::string& value :
       {OrderedNull(), OrderedBool(true), OrderedNumber(7), OrderedText(""), OrderedText("abc"),
        OrderedText(std::string("\0\0a", 3)), OrderedText(std::string(300, '\0'))}) {
    CAPTURE(ToHex(value));
    CHECK(OrderedValueBytes(value) == value.size());
    CHECK(OrderedValueBytes(value + std::string("\0\1tail", 6)) == value.size());
    ForEachTruncation(value, [](std::string_view shorter, size_t cut) {
      CAPTURE(cut);
      CHECK(OrderedValueBytes(shorter) == 0);
    });
  }
  for (const std::string_view malformed : {"", "\x11", "\x50", "\x40no end", "\xff"}) {
    CHECK(OrderedValueBytes(malformed) == 0);
  }
  CHECK(OrderedValueBytes(FromHex("40 61 0003")) == 0);  // 0x00 0x03 means nothing
}

}  // namespace
}  // namespace libkv
