// Replies as JSON.
#include "protocol/json_writer.h"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "command/command.h"

namespace kvserver {
namespace {

constexpr Command kGet = {.name = "get", .arity = 2, .flags = 0};
constexpr Command kKeys = {.name = "keys", .arity = 2, .flags = 0};

class Reply {
 public:
  explicit Reply(JsonWriter::Framing framing = JsonWriter::Framing::kLine) : writer(framing) {
    writer.SetOutput(&out);
  }
  template <class Write>
  std::string operator()(Write write) {
    out.clear();
    writer.Begin();
    write();
    writer.End();
    return out;
  }

  JsonWriter writer;
  std::string out;
};

}  // namespace

TEST_CASE("each kind of reply has its JSON") {
  Reply reply;
  JsonWriter& w = reply.writer;
  const auto result = [](const std::string& json) {
    return "{\"status\":\"ok\",\"result\":" + json + "}\n";
  };
  CHECK(reply([&] { w.Ok(); }) == result("\"OK\""));
  CHECK(reply([&] { w.Integer(-7); }) == result("-7"));
  CHECK(reply([&] { w.Double(0.1); }) == result("0.1"));
  CHECK(reply([&] { w.Double(1e300); }) == result("1e+300"));
  CHECK(reply([&] { w.Double(std::numeric_limits<double>::infinity()); }) == result("\"inf\""));
  CHECK(reply([&] { w.Double(-std::numeric_limits<double>::infinity()); }) == result("\"-inf\""));
  CHECK(reply([&] { w.Double(std::nan("")); }) == result("\"nan\""));
  CHECK(reply([&] { w.Bool(true); }) == result("true"));
  CHECK(reply([&] { w.Null(); }) == result("null"));
  CHECK(reply([&] { w.NullArray(); }) == result("null"));
  CHECK(reply([&] { w.Value("a\"\n\x01"); }) == result("\"a\\\"\\n\\u0001\""));
  CHECK(reply([&] { w.Text("a\r\n"); }) == result("\"a\\r\\n\""));
  CHECK(reply([&] { w.BeginArray(0); }) == result("[]"));
  CHECK(reply([&] { w.BeginMap(0); }) == result("{}"));
  CHECK(reply([] {}) == result("null"));
}

TEST_CASE("arrays and maps nest, and names are strings") {
  Reply reply;
  JsonWriter& w = reply.writer;
  CHECK(reply([&] {
          w.BeginMap(4);
          w.Value("hits");
          w.BeginArray(2);
          w.BeginMap(1);
          w.Value("key");
          w.Value("a");
          w.BeginArray(0);
          w.Integer(5);
          w.BeginArray(1);
          w.Null();
          w.Simple("x");
          w.Double(0.5);
          w.Bool(true);
          w.BeginMap(0);
        }) ==
        "{\"status\":\"ok\",\"result\":{\"hits\":[{\"key\":\"a\"},[]],\"5\":[null],\"x\":0.5,"
        "\"true\":{}}}\n");
}

TEST_CASE("bytes that are not UTF-8 are in base64, marked as such") {
  Reply reply;
  JsonWriter& w = reply.writer;
  CHECK(reply([&] { w.Value("\xff"); }) == "{\"status\":\"ok\",\"result_b64\":\"/w==\"}\n");
  CHECK(reply([&] {
          w.BeginArray(2);
          w.Value("\xff");
          w.BeginMap(1);
          w.Value("\xfe\xff");
          w.Value("\xff\xff\xff");
        }) ==
        "{\"status\":\"ok\",\"result\":[{\"b64\":\"/w==\"},{\"b64:/v8=\":{\"b64\":\"////\"}}]}\n");
}

TEST_CASE("errors have a code, as the reply and within it") {
  Reply reply;
  JsonWriter& w = reply.writer;
  CHECK(reply([&] { w.Error("WRONGTYPE not \"that\""); }) ==
        "{\"status\":\"error\",\"code\":\"WRONGTYPE\",\"message\":\"not \\\"that\\\"\"}\n");
  CHECK(reply([&] { w.Error("no code here"); }) ==
        "{\"status\":\"error\",\"code\":\"ERR\",\"message\":\"no code here\"}\n");
  CHECK(reply([&] { w.Error("ERR \xff\xc3\xa9"); }) ==
        "{\"status\":\"error\",\"code\":\"ERR\",\"message\":\"???\"}\n");
  CHECK(reply([&] {
          w.BeginArray(2);
          w.Error("ERR a");
          w.Integer(1);
        }) ==
        "{\"status\":\"ok\",\"result\":[{\"status\":\"error\",\"code\":\"ERR\",\"message\":\"a\"},"
        "1]}\n");
}

TEST_CASE("commands that hold values show them, others show strings") {
  Reply reply;
  JsonWriter& w = reply.writer;
  const auto value = [&](const Command& command, std::string_view bytes) {
    return reply([&] {
      w.BeginCommand(command);
      w.Value(bytes);
    });
  };
  CHECK(value(kGet, "5") == "{\"status\":\"ok\",\"result\":5}\n");
  CHECK(value(kKeys, "5") == "{\"status\":\"ok\",\"result\":\"5\"}\n");
  CHECK(value(kGet, "{\"a\": 1}") == "{\"status\":\"ok\",\"result\":{\"a\": 1}}\n");
  CHECK(value(kGet, "\xff") == "{\"status\":\"ok\",\"result_b64\":\"/w==\"}\n");
}

TEST_CASE("the id is echoed, also by an error in place of an earlier reply") {
  Reply reply;
  JsonWriter& w = reply.writer;
  for (const auto framing : {JsonWriter::Framing::kLine, JsonWriter::Framing::kLength}) {
    for (const char* id : {"7", "\"a\\\"\\n\"", "null", "[1,{\"x\":2}]", "1.50"}) {
      Reply framed(framing);
      framed.writer.Expect(id);
      const std::string first = framed([&] { framed.writer.Ok(); });
      CHECK(first.find("{\"id\":" + std::string(id) + ",\"status\":\"ok\"") ==
            (framing == JsonWriter::Framing::kLine ? 0 : 4));
      framed.writer.Expect("99");
      std::string error;
      framed.writer.SetOutput(&error);
      framed.writer.ErrorInstead(first, "DATALOSS gone");
      CHECK(error.find("{\"id\":" + std::string(id) +
                       ",\"status\":\"error\",\"code\":\"DATALOSS\"") != std::string::npos);
      framed.writer.SetOutput(&framed.out);
      CHECK(framed([&] { framed.writer.Ok(); }).find("{\"id\":99,") != std::string::npos);
    }
  }
  w.Expect("");
  const std::string first = reply([&] { w.Ok(); });
  std::string error;
  w.SetOutput(&error);
  w.ErrorInstead(first, "ERR x");
  CHECK(error == "{\"status\":\"error\",\"code\":\"ERR\",\"message\":\"x\"}\n");
}

TEST_CASE("a frame says its length, at any place in the output") {
  JsonWriter writer(JsonWriter::Framing::kLength);
  std::string out = "before";
  writer.SetOutput(&out);
  writer.Begin();
  writer.Value(std::string(70'000, 'x'));
  writer.End();
  const size_t length = out.size() - 10;
  CHECK(length == 70'000 + std::string_view(R"({"status":"ok","result":""})").size());
  CHECK(out.substr(6, 4) ==
        std::string({'\0', '\1', static_cast<char>(length >> 8), static_cast<char>(length)}));
}

TEST_CASE("whatever calls come, the reply is one line of JSON") {
  // Goal: a command with a wrong count cannot break the connection. Method: random calls, checked
  // by a parser.
  const uint64_t seed = 5;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Reply reply;
  JsonWriter& w = reply.writer;
  for (int round = 0; round < 20'000; ++round) {
    const std::string out = reply([&] {
      if (random() % 2 == 0) w.BeginCommand(kGet);
      for (size_t i = random() % 12; i > 0; --i) {
        switch (random() % 9) {
          case 0:
            w.BeginArray(random() % 4);
            break;
          case 1:
            w.BeginMap(random() % 3);
            break;
          case 2:
            w.Null();
            break;
          case 3:
            w.Error("ERR x");
            break;
          case 4:
            w.Value(random() % 2 == 0 ? "\xff" : "[5]");
            break;
          case 5:
            w.BeginArray(size_t{1} << 40);
            break;
          case 6:
            w.Bool(false);
            break;
          case 7:
            w.Double(0.5);
            break;
          default:
            w.Integer(3);
        }
      }
    });
    CAPTURE(out);
    boost::system::error_code error;
    boost::json::parse(out, error);
    REQUIRE(!error);
    REQUIRE(out.find('\n') == out.size() - 1);
  }
}

}  // namespace kvserver
