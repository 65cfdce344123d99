// Line JSON, step by step without a socket.
#include "protocol/json_lines.h"

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

Steps Feed(std::string_view input, const std::vector<size_t>& cuts = {}) {
  Session session;
  JsonLines lines(session);
  return FeedProtocol(lines, input, cuts);
}

Words RequestOf(std::string_view line) {
  const Steps steps = Feed(std::string(line) + "\n");
  return steps.requests.size() == 1 ? steps.requests[0] : Words{steps.output};
}

std::string ErrorOf(std::string_view line) {
  const Steps steps = Feed(std::string(line) + "\n");
  CHECK_MESSAGE(steps.requests.empty(), line);
  CHECK(!steps.is_closed);
  return steps.output;
}

std::string Error(std::string_view code, std::string_view message) {
  return "{\"status\":\"error\",\"code\":\"" + std::string(code) + "\",\"message\":\"" +
         std::string(message) + "\"}\n";
}

constexpr std::string_view kOk = "{\"status\":\"ok\",\"result\":\"OK\"}\n";

}  // namespace

TEST_CASE("a line is a request, by names or by position") {
  CHECK(RequestOf(R"({"command":"SET","key":"k","value":"v"})") == Words{"set", "k", "v"});
  CHECK(RequestOf(R"({"value":{"b": 2},"key":"k","command":"Set"})") ==
        Words{"set", "k", "{\"b\":2}"});
  CHECK(RequestOf(R"({"command":"get","key_b64":"AA=="})") == Words{"get", std::string(1, '\0')});
  CHECK(RequestOf(R"({"command":"DELETE","key":"k"})") == Words{"del", "k"});
  CHECK(RequestOf(R"({"command":"INCR","key":"k"})") == Words{"incr", "k"});
  CHECK(RequestOf(R"({"command":"SET","args":["k",5,"EX",10,true]})") ==
        Words{"SET", "k", "5", "EX", "10", "true"});
  CHECK(RequestOf(R"({"command":"CLIENT LIST","args":[]})") == Words{"CLIENT", "LIST"});
}

TEST_CASE("line ends are LF or CRLF, and empty lines have no reply") {
  const Steps steps = Feed(
      "\n\r\n  \t\n{\"command\":\"GET\",\"key\":\"a\"}\r\n\n"
      "{\"command\":\"GET\",\"key\":\"b\"}\n");
  CHECK(steps.requests == std::vector<Words>{{"get", "a"}, {"get", "b"}});
  CHECK(steps.output == std::string(kOk) + std::string(kOk));
}

TEST_CASE("every wrong line has its error, and the next line is read") {
  CHECK(ErrorOf("nonsense") == Error("BADJSON", "not JSON at byte 0: unexpected character"));
  CHECK(ErrorOf("[1]") == Error("BADJSON", "not a JSON object"));
  CHECK(ErrorOf("5") == Error("BADJSON", "not a JSON object"));
  CHECK(ErrorOf("{\"command\":\"GET\",\"key\":\"\xff\"}") ==
        Error("BADJSON", "not JSON at byte 24: not UTF-8"));
  CHECK(ErrorOf(R"({"command":"GET","key":"\ud800"})").find("BADJSON") != std::string::npos);
  CHECK(ErrorOf(R"({"command":"GET","key":"a","key":"b"})") ==
        Error("BADJSON", "'key' is there twice"));
  CHECK(ErrorOf(R"({"command":"SET","key":"k","value":)" + std::string(1'000, '[') +
                std::string(1'000, ']') + "}")
            .find("nested deeper than 100") != std::string::npos);
  CHECK(ErrorOf("{}") == Error("BADARG", "'command' must be the name of a command"));
  CHECK(ErrorOf(R"({"command":5})") == Error("BADARG", "'command' must be the name of a command"));
  CHECK(ErrorOf(R"({"cmd":"GET","key":"k"})") ==
        Error("BADARG", "'command' must be the name of a command"));
  CHECK(ErrorOf(R"({"command":""})") == Error("ERR", "unknown command ''"));
  CHECK(ErrorOf(R"({"command":"NOPE","key":"k"})") == Error("ERR", "unknown command 'NOPE'"));
  CHECK(ErrorOf(R"({"command":"GET"})").find("'key' is missing") != std::string::npos);
  CHECK(ErrorOf(R"({"command":"GET","key":"k","x":1})").find("unknown name 'x'") !=
        std::string::npos);
  CHECK(ErrorOf(R"({"command":"GET","key":"k","durability":"safe"})") ==
        Error("BADARG", "'durability' must be synced, written or buffered"));
  CHECK(ErrorOf(R"({"command":"GET","args":["k"],"key":"k"})").find("not both") !=
        std::string::npos);
  for (const char* wrong : {"5", "{}", "[[]]", "[{}]", "[null]"}) {
    CHECK(ErrorOf(R"({"command":"GET","args":)" + std::string(wrong) + "}") ==
          Error("BADARG", "'args' must be an array of strings, numbers and booleans"));
  }
  const Steps steps = Feed("nonsense\n{\"command\":\"GET\",\"key\":\"a\"}\n");
  CHECK(steps.requests.size() == 1);
}

TEST_CASE("the id of any type is echoed, in replies and errors") {
  for (const char* id : {"7", "\"a\\n\"", "null", "true", "[1,{\"a\":2}]", "1.50"}) {
    const std::string begin = "{\"id\":" + std::string(id) + ",";
    CHECK(Feed(R"({"command":"GET","key":"k","id":)" + std::string(id) + "}\n").output ==
          begin + std::string(kOk.substr(1)));
    CHECK(Feed(R"({"command":"GET","id":)" + std::string(id) + "}\n").output.starts_with(begin));
  }
  CHECK(ErrorOf(R"({"command":"GET","key":"k","id":")" + std::string(2'000, 'x') + "\"}") ==
        Error("BADARG", "'id' is 1024 bytes at most"));
  // The id of one request is not that of the next.
  CHECK(Feed("{\"command\":\"GET\",\"key\":\"k\",\"id\":1}\nx\n").output.find("id", 40) ==
        std::string::npos);
}

TEST_CASE("durability is that of the request alone") {
  Session session;
  session.durability = libkv::Durability::kWritten;
  JsonLines lines(session);
  std::string out;
  lines.reply().SetOutput(&out);
  Request request;
  size_t used = 0;
  CHECK(lines.Parse("{\"command\":\"GET\",\"key\":\"k\",\"durability\":\"buffered\"}\n", used,
                    request) == Protocol::Next::kRequest);
  CHECK(session.durability == libkv::Durability::kBuffered);
  CHECK(lines.Parse("{\"command\":\"GET\",\"key\":\"k\"}\n", used, request) ==
        Protocol::Next::kRequest);
  CHECK(session.durability == libkv::Durability::kWritten);
  // A wrong request with a level leaves none behind either.
  lines.Parse("{\"command\":\"GET\",\"durability\":\"synced\"}\n", used, request);
  lines.Parse("x\n", used, request);
  CHECK(session.durability == libkv::Durability::kWritten);
}

TEST_CASE("between MULTI and EXEC a wrong line spoils the transaction, as a wrong command does") {
  Session session;
  session.in_multi = true;
  JsonLines lines(session);
  FeedProtocol(lines, "{\"command\":\"GET\",\"key\":\"k\"}\n", {});
  CHECK(!session.multi_failed);
  FeedProtocol(lines, "nonsense\n", {});
  CHECK(session.multi_failed);
}

TEST_CASE("pieces make no difference") {
  // Method: a dialog with good, wrong and empty lines, fed at once, byte by byte, at random cuts.
  const std::string input =
      "{\"command\":\"SET\",\"key\":\"k\",\"value\":\"a\\u00e9\\n\"}\r\n\n"
      "{\"id\":1,\"command\":\"GET\",\"key\":\"\\u006b\"}\nnot json\n"
      "{\"command\":\"DELETE\",\"key\":[\"a\",\"b\"]}\n{}\n"
      "{\"command\":\"SET\",\"key\":\"é\",\"value\":{\"a\": [1, 2, {\"b\": null}]}}\n{\"left";
  const Steps whole = Feed(input);
  CHECK(whole.requests.size() == 4);
  std::vector<size_t> all;
  for (size_t i = 1; i < input.size(); ++i) all.push_back(i);
  CHECK(Feed(input, all) == whole);
  for (uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    REQUIRE(Feed(input, RandomCuts(input.size(), 1 + seed % 20, seed)) == whole);
  }
}

TEST_CASE("a line of 64 MiB is read, a longer one ends the connection") {
  const std::string begin = R"({"command":"SET","key":"k","value":")", end = "\"}";
  Session session;
  JsonLines lines(session);
  std::string out;
  lines.reply().SetOutput(&out);
  Request request;
  size_t used = 0;
  std::string line =
      begin + std::string(JsonLines::kObjectBytesMax - begin.size() - end.size(), 'x') + end + "\n";
  CHECK(lines.Parse(line, used, request) == Protocol::Next::kRequest);
  CHECK(used == line.size());
  // Not closed yet, and longer: no need to wait for the end.
  const std::string longer(JsonLines::kObjectBytesMax + 2, ' ');
  CHECK(lines.Parse(longer, used, request) == Protocol::Next::kClose);
  CHECK(out == Error("TOOBIG", "a request is 64 MiB at most"));
}

TEST_CASE("a long line that comes slowly is not searched again") {
  // Goal: linear time. Method: 2 MB in 20,000 pieces would be 20 GB of searching.
  Session session;
  JsonLines lines(session);
  std::string out, input = R"({"command":"SET","key":"k","value":")";
  lines.reply().SetOutput(&out);
  Request request;
  size_t used = 0;
  for (int i = 0; i < 20'000; ++i) {
    input.append(100, 'x');
    REQUIRE(lines.Parse(input, used, request) == Protocol::Next::kMore);
    REQUIRE(used == 0);
  }
  input += "\"}\n";
  CHECK(lines.Parse(input, used, request) == Protocol::Next::kRequest);
  CHECK(request.args[2].size() == 2'000'000);
}

TEST_CASE("thousands of damaged requests have one reply each, and leave the connection sane") {
  const uint64_t seed = 4'711;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const std::string good[] = {
      R"({"command":"SET","key":"k","value":{"a":[1,2]},"id":3})",
      R"({"command":"GET","key_b64":"a2V5","durability":"synced"})",
      R"({"command":"DELETE","key":["a","b",5]})",
      R"({"command":"SET","args":["k","v","EX",10]})",
      R"({"command":"INCR","key":"\u00e9\n","id":"x"})",
  };
  size_t errors = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string line = Damaged(random, good[random() % std::size(good)]);
    for (char& c : line) {
      if (c == '\n') c = ' ';
    }
    CAPTURE(line);
    const Steps steps = Feed(line + "\n{\"command\":\"GET\",\"key\":\"sane\"}\n");
    REQUIRE(!steps.is_closed);
    REQUIRE(!steps.requests.empty());
    REQUIRE(steps.requests.back() == Words{"get", "sane"});
    size_t replies = 0;
    for (size_t at = 0; at < steps.output.size(); ++replies) {
      const size_t end = steps.output.find('\n', at);
      REQUIRE(end != std::string::npos);
      const auto reply =
          boost::json::parse(boost::json::string_view(steps.output.data() + at, end - at));
      const auto status = reply.at("status").as_string();
      errors += status == "error";
      if (status == "error") {
        const std::string code(reply.at("code").as_string());
        REQUIRE((code == "BADJSON" || code == "BADARG" || code == "ERR"));
      }
      at = end + 1;
    }
    REQUIRE(replies == (line.find_first_not_of(" \t\r") == std::string::npos ? 1 : 2));
  }
  CHECK(errors > 10'000);
}

}  // namespace kvserver
