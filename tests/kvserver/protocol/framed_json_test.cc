// Framed JSON, step by step without a socket.
#include "protocol/framed_json.h"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <random>
#include <string>
#include <vector>

#include "kvserver/support/protocol_steps.h"
#include "kvserver/support/random_json.h"

namespace kvserver {
namespace {

using Words = std::vector<std::string>;

std::string Length(size_t bytes) {
  std::string length;
  for (int shift = 24; shift >= 0; shift -= 8) length += static_cast<char>(bytes >> shift);
  return length;
}

std::string Frame(std::string_view json) { return Length(json.size()) + std::string(json); }

Steps Feed(std::string_view input, const std::vector<size_t>& cuts = {}) {
  Session session;
  FramedJson frames(session);
  return FeedProtocol(frames, input, cuts);
}

Words RequestOf(std::string_view json) {
  const Steps steps = Feed(Frame(json));
  return steps.requests.size() == 1 ? steps.requests[0] : Words{steps.output};
}

}  // namespace

TEST_CASE("the verbs of framed JSON, and every command besides") {
  CHECK(RequestOf(R"({"cmd":"SET","key":"k","val":{"a": 1}})") == Words{"set", "k", "{\"a\":1}"});
  CHECK(RequestOf(R"({"cmd":"SET","key":"k","val_b64":"/w=="})") == Words{"set", "k", "\xff"});
  CHECK(RequestOf(R"({"cmd":"set","key":"k","value":"v"})") == Words{"set", "k", "v"});
  CHECK(RequestOf(R"({"cmd":"GET","key":"k"})") == Words{"kv.getx", "k"});
  CHECK(RequestOf(R"({"cmd":"DEL","key":"k"})") == Words{"del", "k"});
  CHECK(RequestOf(R"({"cmd":"INCR","key":"k"})") == Words{"incr", "k"});
  CHECK(RequestOf(R"({"command":"GET","key":"k"})")[0].find("'cmd' must be") != std::string::npos);
  CHECK(RequestOf(R"({"cmd":"SET","key":"k","val":1,"value":2})")[0].find("there twice") !=
        std::string::npos);
}

TEST_CASE("GET answers val and meta") {
  const Steps steps = Feed(Frame(R"({"cmd":"GET","key":"k"})"));
  CHECK(steps.output == Frame(R"({"status":"ok","val":"OK","meta":{"found":true}})"));
}

TEST_CASE("a wrong frame has its error, and the next frame is read") {
  const Steps steps = Feed(Frame("") + Frame("x") + Frame("[]") + Frame("{}") +
                           Frame("{\"cmd\":\"NOPE\"}") + Frame("{\"cmd\":\"GET\",\"key\":\"k\"}"));
  CHECK(!steps.is_closed);
  CHECK(steps.requests == std::vector<Words>{{"kv.getx", "k"}});
  CHECK(steps.output.starts_with(Frame(
      R"({"status":"error","code":"BADJSON","message":"not JSON at byte 0: it ends too early"})")));
}

TEST_CASE("a length above 64 MiB ends the connection at once") {
  const std::string error =
      Frame(R"({"status":"error","code":"TOOBIG","message":"a request is 64 MiB at most"})");
  for (const std::string& length :
       {Length(FramedJson::kObjectBytesMax + 1), Length(0x7fffffff), Length(0xffffffff)}) {
    const Steps steps = Feed(length);
    CHECK(steps.is_closed);
    CHECK(steps.output == error);
  }
  CHECK(!Feed(Length(FramedJson::kObjectBytesMax) + "{").is_closed);
}

TEST_CASE("pieces of frames make no difference") {
  const std::string input = Frame(R"({"cmd":"SET","key":"k","val":"a\u00e9"})") + Frame("no") +
                            Frame(R"({"cmd":"GET","key":"k","id":[1]})") + Frame("") +
                            Frame(R"({"cmd":"DEL","key":["a","b"]})") + std::string("\0\0", 2);
  const Steps whole = Feed(input);
  CHECK(whole.requests.size() == 3);
  std::vector<size_t> all;
  for (size_t i = 1; i < input.size(); ++i) all.push_back(i);
  CHECK(Feed(input, all) == whole);
  for (uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    REQUIRE(Feed(input, RandomCuts(input.size(), 1 + seed % 20, seed)) == whole);
  }
}

TEST_CASE("thousands of damaged frames have one reply each, and the next frame is read") {
  const uint64_t seed = 99;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 10'000; ++round) {
    const std::string json =
        Damaged(random, R"({"cmd":"SET","key":"k","val":[1,"é",{"a":null}],"id":5})");
    CAPTURE(json);
    const Steps steps = Feed(Frame(json) + Frame("{\"cmd\":\"GET\",\"key\":\"sane\"}"));
    REQUIRE(!steps.is_closed);
    REQUIRE(steps.requests.back() == Words{"kv.getx", "sane"});
    size_t replies = 0;
    for (size_t at = 0; at < steps.output.size(); ++replies) {
      size_t length = 0;
      for (size_t i = 0; i < 4; ++i)
        length = length << 8 | static_cast<uint8_t>(steps.output[at + i]);
      REQUIRE(at + 4 + length <= steps.output.size());
      boost::json::parse(boost::json::string_view(steps.output.data() + at + 4, length));
      at += 4 + length;
    }
    REQUIRE(replies == 2);
  }
}

TEST_CASE("damaged lengths never break more than their connection") {
  const uint64_t seed = 100;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 5'000; ++round) {
    std::string input =
        Frame("{\"cmd\":\"GET\",\"key\":\"a\"}") + Frame("{\"cmd\":\"GET\",\"key\":\"b\"}");
    input[random() % 4] = static_cast<char>(random());
    if (random() % 2 == 0) input.erase(random() % input.size(), 1);
    const Steps steps = Feed(input, RandomCuts(input.size(), random() % 5, random()));
    REQUIRE(steps.requests.size() <= 2);
    REQUIRE(steps.output.size() <= 2'000);
  }
}

}  // namespace kvserver
