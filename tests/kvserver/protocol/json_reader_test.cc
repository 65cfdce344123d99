// JSON taken apart one level at a time.
#include "protocol/json_reader.h"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <random>
#include <string>
#include <vector>

#include "kvserver/support/random_json.h"

namespace kvserver {
namespace {

std::string Compact(std::string_view json) {
  Arena arena;
  const auto field = ReadJsonValue(json, arena);
  return field.ok() ? std::string(field->text) : std::string(field.status().message());
}

std::string ErrorOf(std::string_view json) {
  Arena arena;
  std::vector<JsonField> fields;
  return std::string(ReadJsonObject(json, arena, fields).message());
}

}  // namespace

TEST_CASE("members come in order, with their kinds and their text") {
  Arena arena;
  std::vector<JsonField> fields;
  REQUIRE(
      ReadJsonObject(
          R"( {"a" : "x\n\u00e9", "b":1.50 ,"c":[ 1 , {"d" : "\/"} ],"e":{ },"":null,"t\"":true} )",
          arena, fields)
          .ok());
  REQUIRE(fields.size() == 6);
  const auto is = [&](size_t i, JsonField::Kind kind, std::string_view name,
                      std::string_view text) {
    return fields[i].kind == kind && fields[i].name == name && fields[i].text == text;
  };
  CHECK(is(0, JsonField::kString, "a", "x\né"));
  CHECK(is(1, JsonField::kNumber, "b", "1.50"));
  CHECK(is(2, JsonField::kArray, "c", R"([1,{"d":"/"}])"));
  CHECK(is(3, JsonField::kObject, "e", "{}"));
  CHECK(is(4, JsonField::kNull, "", "null"));
  CHECK(is(5, JsonField::kBool, "t\"", "true"));
}

TEST_CASE("a text that ends anywhere is refused") {
  // Also where it ends behind a name: what is written is then longer than what was read.
  const std::string whole = R"({"a":{"name":{"n":[1,"x\u00e9",{"":null}]}},"b\n":[]})";
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    CHECK(!ErrorOf(whole.substr(0, bytes)).empty());
    Arena arena;
    CHECK(!ReadJsonValue(whole.substr(0, bytes), arena).ok());
  }
  CHECK(ErrorOf(whole).empty());
}

TEST_CASE("numbers keep their digits") {
  for (const char* number : {"0", "-0", "1.0", "1e5", "1E+05", "123456789012345678901234567890",
                             "0.10000000000000000000000000001", "18446744073709551615"}) {
    CHECK(Compact(number) == number);
    CHECK(Compact("[" + std::string(number) + "]") == "[" + std::string(number) + "]");
  }
}

TEST_CASE("errors say what and where") {
  CHECK(ErrorOf("") == "not JSON at byte 0: it ends too early");
  CHECK(ErrorOf("{\"a\":1") == "not JSON at byte 6: it ends too early");
  CHECK(ErrorOf("{'a':1}") == "not JSON at byte 1: unexpected character");
  CHECK(ErrorOf("{\"a\":1}}") == "not JSON at byte 7: something follows the value");
  CHECK(ErrorOf("{\"a\":\"\xff\"}") == "not JSON at byte 6: not UTF-8");
  CHECK(ErrorOf("{\"a\":1,\"b\":2,\"a\":3}") == "'a' is there twice");
  CHECK(ErrorOf("{\"a\":1,\"\\u0061\":3}") == "'a' is there twice");
  CHECK(ErrorOf("[1]") == "not a JSON object");
  for (const char* scalar : {"\"a\"", "\"\\n\"", "5", "1e5", "-1", "true", "null", "[]"}) {
    CHECK_MESSAGE(ErrorOf(scalar) == "not a JSON object", scalar);
  }
  CHECK(ErrorOf("{\"a\":" + std::string(200, '[')).find("nested deeper than 100") !=
        std::string::npos);
  std::string many = "{";
  for (int i = 0; i < 100; ++i) many += "\"" + std::to_string(i) + "\":1,";
  CHECK(ErrorOf(many + "\"57\":1}") == "'57' is there twice");
  CHECK(ErrorOf(many + "\"x\":1}").empty());
}

TEST_CASE("a hundred levels are read, one more is not, and a million costs nothing") {
  const auto nested = [](size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  CHECK(IsJson(nested(kJsonDepthMax)));
  CHECK(!IsJson(nested(kJsonDepthMax + 1)));
  CHECK(!IsJson(nested(1'000'000)));
  CHECK(Compact(nested(kJsonDepthMax)) == nested(kJsonDepthMax));
}

TEST_CASE("more members than the bound are refused") {
  std::string json = "[0";
  for (size_t i = 0; i < kJsonFieldsMax; ++i) json += ",0";
  json += ']';
  Arena arena;
  std::vector<JsonField> fields;
  const absl::Status status = ReadJsonArray(json, arena, fields);
  CHECK(std::string(status.message()).find("more than 1048576 members") != std::string::npos);
  CHECK(IsJson(json));
}

TEST_CASE("what is JSON and what it means agrees with a parser that builds trees") {
  // Method: random values, written with random spaces, often damaged; Boost.JSON's tree is the
  // oracle for acceptance, and for equality of what the compact text means.
  const uint64_t seed = 20'240'511;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  size_t accepted = 0, refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = boost::json::serialize(RandomJson(random, 4));
    if (random() % 2 == 0) text = Damaged(random, text);
    CAPTURE(text);
    boost::system::error_code error;
    boost::json::parse_options options;
    options.max_depth = kJsonDepthMax;
    const boost::json::value tree = boost::json::parse(text, error, {}, options);
    Arena arena;
    const auto field = ReadJsonValue(text, arena);
    REQUIRE(field.ok() == !error);
    (error ? refused : accepted) += 1;
    const bool has_spaces = text.empty() || text.front() <= ' ' || text.back() <= ' ';
    REQUIRE(IsJson(text) == (!error && !has_spaces));
    std::vector<JsonField> fields;
    REQUIRE(ReadJsonArray(text, arena, fields).ok() == (!error && tree.is_array()));
    if (!error && tree.is_array()) REQUIRE(fields.size() == tree.as_array().size());
    const bool is_object = ReadJsonObject(text, arena, fields).ok();
    if (error || !tree.is_object()) REQUIRE(!is_object);
    if (is_object) REQUIRE(fields.size() == tree.as_object().size());
    if (error) continue;
    if (field->kind == JsonField::kString) {
      REQUIRE(tree.as_string() == boost::json::string_view(field->text.data(), field->text.size()));
    } else {
      REQUIRE(boost::json::parse(
                  boost::json::string_view(field->text.data(), field->text.size())) == tree);
      REQUIRE(field->text.size() <= text.size());
    }
  }
  CHECK(accepted > 5'000);
  CHECK(refused > 3'000);
}

}  // namespace kvserver
