#include "base/numbers.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "kvserver/support/redis_server.h"
#include "kvserver/support/test_server.h"

namespace kvserver {
namespace {

// Spellings at the edges, and random ones close to numbers.
std::vector<std::string> Spellings(uint64_t seed) {
  std::vector<std::string> texts = {"",
                                    "0",
                                    "-0",
                                    "+0",
                                    "00",
                                    "01",
                                    "-1",
                                    "--1",
                                    "+1",
                                    " 1",
                                    "1 ",
                                    "\t1",
                                    "1\n",
                                    "1.",
                                    ".1",
                                    ".",
                                    "-",
                                    "1e",
                                    "1e1",
                                    "1e+1",
                                    "1e-1",
                                    "inf",
                                    "-inf",
                                    "+inf",
                                    "INF",
                                    "infinity",
                                    "infinit",
                                    "nan",
                                    "-nan",
                                    "nan(1)",
                                    "0x10",
                                    "0x1p3",
                                    "0x",
                                    "1e308",
                                    "1e309",
                                    "-1e309",
                                    "1e4932",
                                    "1e4933",
                                    "1e-5000",
                                    "4.9e-324",
                                    "1e-330",
                                    "9223372036854775807",
                                    "9223372036854775808",
                                    "-9223372036854775808",
                                    "-9223372036854775809",
                                    "18446744073709551616",
                                    "1_0",
                                    "1,0",
                                    std::string("1\0", 2),
                                    std::string("\0", 1),
                                    std::string(300, '1'),
                                    "0." + std::string(400, '3'),
                                    "1" + std::string(20, '0') + ".5",
                                    "0.1",
                                    "0.00000000000000001",
                                    "0.000000000000000001",
                                    "-0.000000000000000001",
                                    "123456789012345678.875"};
  std::mt19937_64 random(seed);
  constexpr std::string_view kAlphabet = "0123456789012345678901234567890123456789.e-+ x";
  for (int i = 0; i < 3'000; ++i) {
    std::string text;
    for (size_t k = random() % 20; k > 0; --k) text += kAlphabet[random() % kAlphabet.size()];
    texts.push_back(text);
  }
  return texts;
}

}  // namespace

TEST_CASE("numbers are read and written as Redis does") {
  // Method: Redis adds 0 to the number, which is an error for what is none, or makes it a score.
  const auto redis = RedisServer::Start();
  if (redis == nullptr) {
    MESSAGE("no redis-server in PATH: numbers are compared with nothing");
    return;
  }
  constexpr uint64_t kSeed = 11;
  CAPTURE(kSeed);
  TestClient client(redis->port());
  for (const std::string& text : Spellings(kSeed)) {
    CAPTURE(text);
    client.Ask({"SET", "n", text});
    const std::string integer = client.Ask({"INCRBY", "n", "0"});
    const auto our_integer = ParseInteger(text);
    REQUIRE(our_integer.has_value() == (integer[0] == ':'));
    if (our_integer) {
      std::string spelt;
      AppendInteger(spelt, *our_integer);
      CHECK(":" + spelt + "\r\n" == integer);
      CHECK(spelt == text);
    }

    client.Ask({"SET", "n", text});
    const std::string sum = client.Ask({"INCRBYFLOAT", "n", "0"});
    const auto our_sum = ParseLongDouble(text);
    const bool is_infinite = sum == "-ERR increment would produce NaN or Infinity\r\n";
    REQUIRE(our_sum.has_value() == (sum[0] == '$' || is_infinite));
    if (sum[0] == '$') CHECK(sum.find("\r\n" + LongDoubleText(*our_sum) + "\r\n") != sum.npos);

    client.Ask({"DEL", "z"});
    CHECK(ParseDouble(text).has_value() == (client.Ask({"ZADD", "z", text, "m"}) == ":1\r\n"));
  }
}

TEST_CASE("only the canonical spelling is an integer") {
  CHECK(ParseInteger("-9223372036854775808") == INT64_MIN);
  CHECK(ParseInteger("9223372036854775807") == INT64_MAX);
  for (const char* text : {"", "-", "+1", "01", "-0", " 1", "1 ", "9223372036854775808", "1.0"}) {
    CAPTURE(text);
    CHECK(!ParseInteger(text));
  }
}

TEST_CASE("a double is written in its shortest spelling, a sum with 17 places at most") {
  CHECK(DoubleText(0.1) == "0.1");
  CHECK(DoubleText(3) == "3");
  CHECK(LongDoubleText(10.5L) == "10.5");
  CHECK(LongDoubleText(-1e-20L) == "0");
  CHECK(LongDoubleText(3.0L) == "3");
}

}  // namespace kvserver
