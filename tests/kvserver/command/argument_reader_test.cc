// What is taken from arguments, and what is said of wrong ones.
#include "command/argument_reader.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "command/field_filters.h"
#include "command/filter_expression.h"
#include "command/vector_argument.h"

namespace kvserver {
namespace {

using Words = std::vector<std::string_view>;

struct Options {
  size_t limit = 10;
  std::string prefix;
  bool flag = false;
};

std::string Read(const Words& words, Options& options) {
  ArgumentReader reader(words);
  while (reader.NextOption()) {
    if (reader.Is("LIMIT")) {
      options.limit = reader.Count(1, 100);
    } else if (reader.Is("PREFIX")) {
      options.prefix = reader.Bytes();
    } else if (reader.Is("FLAG")) {
      options.flag = true;
    } else {
      reader.Unknown();
    }
  }
  return reader.error();
}

std::string ErrorOf(const Words& words) {
  Options options;
  return Read(words, options);
}

std::string VectorError(const Words& words) {
  ArgumentReader reader(words);
  REQUIRE(reader.NextOption());
  CHECK(ReadVector(reader).empty());
  return reader.error();
}

std::string Text(const libkv::FieldValue& value) {
  if (const auto* const text = std::get_if<std::string>(&value)) return "text " + *text;
  if (const auto* const number = std::get_if<double>(&value)) {
    return "number " + std::to_string(*number);
  }
  if (const bool* const flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  return "null";
}

std::vector<libkv::FieldFilter> Filters(const Words& words, std::string* error) {
  ArgumentReader reader(words);
  std::vector<libkv::FieldFilter> filters;
  while (reader.NextOption()) {
    if (!ReadFilter(reader, filters)) reader.Unknown();
  }
  for (libkv::FieldFilter& filter : filters) CloseRange(filter);
  *error = reader.error();
  return filters;
}

}  // namespace

TEST_CASE("options come in any order and any case, and the last of two counts") {
  Options options;
  CHECK(Read({"prefix", "a:", "Limit", "7", "FLAG", "LIMIT", "8"}, options).empty());
  CHECK(options.limit == 8);
  CHECK(options.prefix == "a:");
  CHECK(options.flag);
}

TEST_CASE("the first wrong argument is named") {
  CHECK(ErrorOf({"LIMIT"}) == "ERR LIMIT needs a value");
  CHECK(ErrorOf({"limit", "x"}) == "ERR limit must be an integer from 1 to 100, not 'x'");
  CHECK(ErrorOf({"LIMIT", "0"}) == "ERR LIMIT must be an integer from 1 to 100, not '0'");
  CHECK(ErrorOf({"LIMIT", "101", "NONE"}) ==
        "ERR LIMIT must be an integer from 1 to 100, not '101'");
  CHECK(ErrorOf({"FLAG", "NONE"}) == "ERR unknown option 'NONE'");
  CHECK(ErrorOf({"a\r\nb"}) == "ERR unknown option 'a  b'");
  CHECK(ErrorOf({std::string(100, 'x')}).size() < 100);
}

TEST_CASE("vectors are read as numbers and as bytes") {
  const float numbers[] = {1, -2.5F};
  const std::string blob(reinterpret_cast<const char*>(numbers), sizeof(numbers));
  for (const Words& words : {Words{"VALUES", "2", "1", "-2.5"}, Words{"fp32", blob}}) {
    ArgumentReader reader(words);
    REQUIRE(reader.NextOption());
    CHECK(IsVector(reader));
    CHECK(ReadVector(reader) == std::vector<float>{1, -2.5F});
    CHECK(reader.left() == 0);
  }
  CHECK(VectorError({"VALUES", "0"}) == "ERR VALUES must be an integer from 1 to 8192, not '0'");
  CHECK(VectorError({"VALUES", "3", "1", "2"}) == "ERR VALUES announces 3 numbers, but 2 follow");
  CHECK(VectorError({"VALUES", "2", "1", "x"}) ==
        "ERR number 2 of the vector is 'x', which is no 32-bit float");
  CHECK(VectorError({"VALUES", "1", "1e300"}).starts_with("ERR number 1 of the vector"));
  CHECK(VectorError({"VALUES", "1", "inf"}).starts_with("ERR number 1 of the vector"));
  CHECK(VectorError({"FP32", "abc"}).starts_with("ERR FP32 needs 4 bytes"));
  CHECK(VectorError({"FP32", ""}).starts_with("ERR FP32 needs 4 bytes"));
  const float bad = NAN;
  CHECK(VectorError({"FP32", std::string_view(reinterpret_cast<const char*>(&bad), 4)}) ==
        "ERR FP32 has a number that is not finite");
}

TEST_CASE("values of fields have the kind that JSON gives them") {
  CHECK(Text(ParseFieldValue("5")) == "number 5.000000");
  CHECK(Text(ParseFieldValue("-1.5e2")) == "number -150.000000");
  CHECK(Text(ParseFieldValue("\"5\"")) == "text 5");
  CHECK(Text(ParseFieldValue("a\"b")) == "text a\"b");
  CHECK(Text(ParseFieldValue("\"a\\\"b\"")) == "text a\"b");
  CHECK(Text(ParseFieldValue("true")) == "true");
  CHECK(Text(ParseFieldValue("null")) == "null");
  CHECK(Text(ParseFieldValue("inf")) == "text inf");
  CHECK(Text(ParseFieldValue("nan")) == "text nan");
  CHECK(Text(ParseFieldValue("2024-01-02")) == "text 2024-01-02");
  CHECK(Text(ParseFieldValue("")) == "text ");
  CHECK(Text(ParseFieldValue("\"")) == "text \"");
}

TEST_CASE("filters take values, ranges, and halves of ranges") {
  std::string error;
  auto filters =
      Filters({"FIELD", "a",   "x", "RANGE", "b",   "1", "(5", "MIN",   "c", "2024", "MAX", "c",
               "2025",  "MIN", "d", "(m",    "MAX", "e", "7",  "RANGE", "f", "*",    "*"},
              &error);
  CHECK(error.empty());
  REQUIRE(filters.size() == 6);
  CHECK(Text(*filters[0].first) == "text x");
  CHECK_FALSE(filters[0].by_beginning);
  CHECK(Text(*filters[1].last) == "number 5.000000");
  CHECK(filters[1].before_last);
  CHECK(filters[2].field == "c");
  CHECK(Text(*filters[2].first) == "number 2024.000000");
  CHECK(Text(*filters[2].last) == "number 2025.000000");
  CHECK(filters[3].after_first);
  CHECK_FALSE(filters[3].last.has_value());  // texts come last
  CHECK(std::get<double>(*filters[4].first) == -INFINITY);
  CHECK_FALSE(filters[5].first.has_value());
  Filters({"RANGE", "a", "1", "x"}, &error);
  CHECK(error ==
        "ERR the bounds of the field 'a' are of two kinds: both must be numbers, or both texts");
  Filters({"FIELD", "", "x"}, &error);
  CHECK(error == "ERR the path of a field must not be empty");
  Filters({"RANGE", "a", "1"}, &error);
  CHECK(error == "ERR RANGE needs a value");
  Words many;
  for (int i = 0; i < 65; ++i) many.insert(many.end(), {"FIELD", "a", "1"});
  Filters(many, &error);
  CHECK(error == "ERR more than 64 filters");
}

TEST_CASE("expressions of VSIM become filters, or are refused whole") {
  const auto filters = ParseFilterExpression(
      R"((.year >= 2000) and .year<2010 && .genre == "dra\"ma" and .ok==true)");
  REQUIRE(filters.ok());
  REQUIRE(filters->size() == 4);
  CHECK((*filters)[0].field == "year");
  CHECK(Text(*(*filters)[0].first) == "number 2000.000000");
  CHECK(std::get<double>(*(*filters)[0].last) == INFINITY);
  CHECK((*filters)[1].before_last);
  CHECK(Text(*(*filters)[2].last) == "text dra\"ma");
  CHECK(Text(*(*filters)[3].first) == "true");
  for (const std::string_view wrong :
       {"", ".", ".a", ".a ==", ".a == ", "a == 1", ".a == 1 or .b == 2", "not .a == 1", ".a != 1",
        ".a > \"x\"", "(.a == 1", ".a == 1)", ".a == \"x", ".a == 1 .b == 2", ".a in [1,2]",
        ".a == nan"}) {
    CAPTURE(wrong);
    CHECK(absl::IsInvalidArgument(ParseFilterExpression(wrong).status()));
  }
  CHECK_FALSE(ParseFilterExpression(std::string(1'000'000, '(')).ok());
}

}  // namespace kvserver
