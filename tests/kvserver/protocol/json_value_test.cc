// JSON values as stored bytes, and back.
#include "protocol/json_value.h"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <random>
#include <string>

#include "kvserver/support/random_json.h"

namespace kvserver {
namespace {

std::string Store(std::string_view json) {
  Arena arena;
  const auto field = ReadJsonValue(json, arena);
  REQUIRE(field.ok());
  return std::string(StoredForm(*field, arena));
}

std::string Show(std::string_view bytes) {
  std::string out;
  return AppendStored(out, bytes) ? out : "none";
}

}  // namespace

TEST_CASE("text is stored as text, everything else as JSON, and what looks like JSON in quotes") {
  CHECK(Store("\"hello\"") == "hello");
  CHECK(Store("\"\"") == "");
  CHECK(Store("5") == "5");
  CHECK(Store("\"5\"") == "\"5\"");
  CHECK(Store("\" 5\"") == " 5");
  CHECK(Store("\"\\\"5\\\"\"") == "\"\\\"5\\\"\"");
  CHECK(Store("{ \"a\" : [ 1 ] }") == "{\"a\":[1]}");
  CHECK(Store("\"{}\"") == "\"{}\"");
  CHECK(Store("\"{\"") == "{");
  CHECK(Store("null") == "null");
  CHECK(Store("\"null\"") == "\"null\"");
}

TEST_CASE("bytes of other clients are shown as the value they are") {
  CHECK(Show("hello") == "\"hello\"");
  CHECK(Show("") == "\"\"");
  CHECK(Show("12") == "12");
  CHECK(Show("012") == "\"012\"");
  CHECK(Show("12\n") == "\"12\\n\"");
  CHECK(Show("true") == "true");
  CHECK(Show("truest") == "\"truest\"");
  CHECK(Show("{\r\n \"a\": 1\r\n}") == "{   \"a\": 1  }");
  CHECK(Show("{\"a\":}") == "\"{\\\"a\\\":}\"");
  CHECK(Show(std::string("\0\x1f", 2)) == "\"\\u0000\\u001f\"");
  CHECK(Show("\xff") == "none");
  CHECK(Show("\"\xed\xa0\x80\"") == "none");
}

TEST_CASE("what was stored comes back equal, in its type too") {
  const uint64_t seed = 71;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    const boost::json::value value = RandomJson(random, 3);
    const std::string text = boost::json::serialize(value);
    CAPTURE(text);
    const std::string shown = Show(Store(text));
    REQUIRE(boost::json::parse(shown) == value);
    REQUIRE(boost::json::parse(shown).kind() == value.kind());
    REQUIRE(shown.find('\n') == std::string::npos);
  }
}

TEST_CASE("any bytes are shown as one line of JSON, or as none when they are not UTF-8") {
  const uint64_t seed = 72;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  constexpr std::string_view kBytes("a{}[]\"\\ \n\r,:1e-t\x00\x80\xc3\xa9\xff", 21);
  size_t none = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes;
    for (size_t i = random() % 6; i > 0; --i) bytes += kBytes[random() % kBytes.size()];
    const std::string shown = Show(bytes);
    none += shown == "none";
    if (shown == "none") continue;
    boost::system::error_code error;
    const boost::json::value value = boost::json::parse(shown, error);
    REQUIRE(!error);
    REQUIRE(shown.find('\n') == std::string::npos);
    if (value.is_string() && shown != bytes) REQUIRE(std::string(value.as_string()) == bytes);
  }
  CHECK(none > 1'000);
}

}  // namespace kvserver
