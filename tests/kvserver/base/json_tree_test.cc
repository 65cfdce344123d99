// JSON as a tree, and decimal numbers as they are spelled.
#include "base/json_tree.h"

#include <doctest/doctest.h>

#include <string>

#include "base/decimal.h"

namespace kvserver {
namespace {

std::string OneSpelling(std::string_view text) {
  const std::optional<JsonTree> tree = ParseJsonTree(text);
  if (!tree) return "none";
  std::string out;
  AppendJson(out, *tree);
  return out;
}

// -1, 0, 1; 9: one of them is no number.
int Compared(std::string_view a, std::string_view b) {
  const auto x = ParseDecimal(a), y = ParseDecimal(b);
  if (!x || !y) return 9;
  return *x < *y ? -1 : *x == *y ? 0 : 1;
}

}  // namespace

TEST_CASE("equal JSON has one spelling, and numbers keep theirs") {
  CHECK(OneSpelling(" { \"b\" : 1.0 , \"a\":[ true, null ] } ") == "{\"a\":[true,null],\"b\":1.0}");
  CHECK(OneSpelling("123456789012345678901234567890e-5") == "123456789012345678901234567890e-5");
  CHECK(OneSpelling("\"\\u00e4\\ud83d\\ude00\\/\\n\"") == "\"\xC3\xA4\xF0\x9F\x98\x80/\\u000a\"");
  CHECK(OneSpelling("{\"a\":1,\"\\u0061\":2}") == "{\"a\":2}");
  CHECK(OneSpelling("[[],{},\"\"]") == "[[],{},\"\"]");
}

TEST_CASE("what is not JSON is none, however it is broken") {
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "[1,]",
                                      "{\"a\"}",
                                      "{\"a\":1,}",
                                      "01",
                                      "1.",
                                      ".5",
                                      "-",
                                      "+1",
                                      "tru",
                                      "nan",
                                      "\"a",
                                      "\"\\x\"",
                                      "\"\\ud800\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\udc00\"",
                                      "\"\n\"",
                                      "1 2",
                                      "\"\xFF\"",
                                      "'a'",
                                      "{a:1}",
                                      "1e",
                                      "\"\\u12\""}) {
    CAPTURE(text);
    CHECK(OneSpelling(text) == "none");
  }
}

TEST_CASE("JSON that is too deep or has too many values is none") {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(OneSpelling(nested(100)) == nested(100));
  CHECK(OneSpelling(nested(102)) == "none");
  CHECK(OneSpelling(std::string(1'000'000, '[')) == "none");
  std::string many = "[0";
  for (size_t i = 0; i < kJsonTreeValuesMax; ++i) many += ",0";
  CHECK(OneSpelling(many + "]") == "none");
}

TEST_CASE("decimal numbers are compared exactly") {
  CHECK(Compared("1", "1.0") == 0);
  CHECK(Compared("-0", "0e9") == 0);
  CHECK(Compared("007", "7") == 0);
  CHECK(Compared("10", "9.99") == 1);
  CHECK(Compared("-10", "9") == -1);
  CHECK(Compared("-10", "-9") == -1);
  CHECK(Compared("0", "-0.001") == 1);
  CHECK(Compared("9007199254740993", "9007199254740992") == 1);  // one double
  CHECK(Compared("1e999999999", "1e999999998") == 1);
  CHECK(Compared("0.001", "1e-3") == 0);
  CHECK(Compared("123e-1", "12.3") == 0);
  for (const std::string_view text : {"", "-", "+1", "1.", ".1", " 1", "1 ", "inf", "nan", "0x1",
                                      "1e", "1e+", "1e1234567890", "1,0"}) {
    CAPTURE(text);
    CHECK(Compared(text, "1") == 9);
  }
}

}  // namespace kvserver
