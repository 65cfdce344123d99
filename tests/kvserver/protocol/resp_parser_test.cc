#include "protocol/resp_parser.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "kvserver/support/test_server.h"

namespace kvserver {
namespace {

using Words = std::vector<std::string>;

// All requests of `stream`, whose bytes arrive in pieces that end at `cuts`; "error: ..." last if
// there was one.
std::vector<Words> ParseAll(const std::string& stream, const std::vector<size_t>& cuts) {
  RespParser parser;
  std::vector<Words> requests;
  std::vector<std::string_view> arguments;
  std::string pending;
  size_t begin = 0;
  for (const size_t cut : cuts) {
    pending += stream.substr(begin, cut - begin);
    begin = cut;
    size_t at = 0;
    while (at < pending.size()) {
      size_t used = 0;
      const auto result = parser.Parse(std::string_view(pending).substr(at), used, arguments);
      if (result == RespParser::Result::kMore) break;
      if (result == RespParser::Result::kError) {
        requests.push_back({"error: " + parser.error()});
        return requests;
      }
      at += used;
      if (result == RespParser::Result::kRequest) {
        requests.emplace_back(arguments.begin(), arguments.end());
      }
    }
    pending.erase(0, at);
  }
  return requests;
}

std::vector<Words> ParseWhole(const std::string& stream) {
  return ParseAll(stream, {stream.size()});
}

}  // namespace

TEST_CASE("requests are the same however their bytes arrive") {
  const uint32_t seed = 20'261'121;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 500; ++round) {
    std::vector<Words> requests;
    std::string stream;
    const size_t count = random() % 5 + 1;
    for (size_t i = 0; i < count; ++i) {
      Words words;
      for (size_t k = random() % 4 + 1; k > 0; --k) {
        std::string word;
        for (size_t bytes = random() % 20; bytes > 0; --bytes) {
          word += static_cast<char>(random() % 256);
        }
        words.push_back(word);
      }
      stream += RespRequest(words);
      requests.push_back(std::move(words));
    }
    std::vector<size_t> cuts;
    for (size_t at = 0; at < stream.size();) {
      at = std::min(stream.size(), at + random() % 7 + 1);
      cuts.push_back(at);
    }
    CHECK(ParseAll(stream, cuts) == requests);
    CHECK(ParseWhole(stream) == requests);
  }
}

TEST_CASE("lines of words are requests, with quotes as redis-cli has them") {
  CHECK(ParseWhole("set  a\t1 \r\nget a\n\r\n") ==
        std::vector<Words>{{"set", "a", "1"}, {"get", "a"}});
  CHECK(ParseWhole("set a \"x y\\n\\x41\\\"\"\n") == std::vector<Words>{{"set", "a", "x y\nA\""}});
  CHECK(ParseWhole("set a 'it\\'s \\n'\n") == std::vector<Words>{{"set", "a", "it's \\n"}});
  CHECK(ParseWhole("set a \"\"\n") == std::vector<Words>{{"set", "a", ""}});
  for (const char* line : {"set a \"b\n", "set a 'b\n", "set a \"b\"c\n", "set a 'b'c\n"}) {
    CAPTURE(line);
    CHECK(ParseWhole(line) ==
          std::vector<Words>{{"error: Protocol error: unbalanced quotes in request"}});
  }
}

TEST_CASE("what is no request is refused with the words of Redis") {
  const std::string long_number = "*" + std::string(70'000, '1');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"*x\r\n", "invalid multibulk length"},
      {"*1048577\r\n", "invalid multibulk length"},
      {"*99999999999999999999\r\n", "invalid multibulk length"},
      {"*01\r\n", "invalid multibulk length"},
      {"*1\r\n+3\r\n", "expected '$', got '+'"},
      {"*1\r\n$-1\r\n", "invalid bulk length"},
      {"*1\r\n$x\r\n", "invalid bulk length"},
      {"*1\r\n$536870913\r\n", "invalid bulk length"},
      {"*1\r\n$ 1\r\n", "invalid bulk length"},
      {long_number, "too big mbulk count string"},
      {std::string(70'000, 'a'), "too big inline request"},
  };
  for (const auto& [input, error] : cases) {
    CAPTURE(input.substr(0, 40));
    CHECK(ParseWhole(input) == std::vector<Words>{{"error: Protocol error: " + error}});
  }
  CHECK(ParseWhole("*0\r\n*-1\r\n*1\r\n$1\r\na\r\n") == std::vector<Words>{{"a"}});
}

TEST_CASE("a length is no reason to reserve memory") {
  RespParser parser;
  std::vector<std::string_view> arguments;
  size_t used = 0;
  CHECK(parser.Parse("*1\r\n$100000000\r\nabc", used, arguments) == RespParser::Result::kMore);
  CHECK(used == 0);
  CHECK(arguments.capacity() == 0);
}

}  // namespace kvserver
