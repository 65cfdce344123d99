// Both JSON protocols over sockets: what one step alone does not show.
#include <doctest/doctest.h>

#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "kvserver/support/random_json.h"
#include "kvserver/support/test_server.h"

namespace kvserver {
namespace {

std::string Frame(std::string_view json) {
  std::string length;
  for (int shift = 24; shift >= 0; shift -= 8) length += static_cast<char>(json.size() >> shift);
  return length + std::string(json);
}

std::string ReadFrame(TestClient& client) {
  size_t length = 0;
  for (const char c : client.Read(4)) length = length << 8 | static_cast<unsigned char>(c);
  return client.Read(length);
}

std::string Ask(TestClient& client, std::string_view line) {
  client.Send(std::string(line) + "\n");
  return client.ReadLine();
}

}  // namespace

TEST_CASE(
    "replies of a pipeline come in order, with their ids, slow commands and errors among them") {
  TestServer server;
  TestClient client(server.port());
  client.Send(
      "{\"id\":1,\"command\":\"SET\",\"key\":\"a\",\"value\":1}\n"
      "{\"id\":2,\"command\":\"KEYS\",\"pattern\":\"*\"}\n"
      "{\"id\":3,\"command\":\"INCR\",\"key\":\"a\"}\nnonsense\n"
      "{\"id\":4,\"command\":\"KEYS\",\"pattern\":\"b\"}\n"
      "{\"id\":5,\"command\":\"GET\",\"key\":\"a\"}\n");
  CHECK(client.ReadLine() == "{\"id\":1,\"status\":\"ok\",\"result\":\"OK\"}\n");
  CHECK(client.ReadLine() == "{\"id\":2,\"status\":\"ok\",\"result\":[\"a\"]}\n");
  CHECK(client.ReadLine() == "{\"id\":3,\"status\":\"ok\",\"result\":2}\n");
  CHECK(client.ReadLine().find("BADJSON") != std::string::npos);
  CHECK(client.ReadLine() == "{\"id\":4,\"status\":\"ok\",\"result\":[]}\n");
  CHECK(client.ReadLine() == "{\"id\":5,\"status\":\"ok\",\"result\":2}\n");
}

TEST_CASE("what one protocol stores, the others see as the documentation says") {
  TestServer server;
  TestClient resp(server.port()), lines(server.port()), frames(server.port());
  const std::pair<const char*, const char*> rows[] = {
      {"\"hello\"", "hello"},
      {"5", "5"},
      {"\"5\"", "\"5\""},
      {"1.50", "1.50"},
      {"\"{}\"", "\"{}\""},
      {"null", "null"},
      {"{\"a\":[1,2]}", "{\"a\":[1,2]}"},
  };
  for (const auto& [json, bytes] : rows) {
    Ask(lines, "{\"command\":\"SET\",\"key\":\"k\",\"value\":" + std::string(json) + "}");
    const std::string length = std::to_string(std::string_view(bytes).size());
    CHECK(resp.Ask({"GET", "k"}) == "$" + length + "\r\n" + bytes + "\r\n");
    resp.Ask({"SET", "r", bytes});
    frames.Send(Frame("{\"cmd\":\"GET\",\"key\":\"r\"}"));
    CHECK(ReadFrame(frames).starts_with("{\"status\":\"ok\",\"val\":" + std::string(json) +
                                        ",\"meta\":{\"found\":true,\"version\":\""));
  }
}

TEST_CASE("what is too big ends its connection with an error, and no other") {
  TestServer server;
  TestClient sane(server.port()), frames(server.port());
  frames.Send(Frame("{\"cmd\":\"SET\",\"key\":\"k\",\"val\":1}") +
              std::string("\x7f\xff\xff\xff{", 5));
  CHECK(ReadFrame(frames) == "{\"status\":\"ok\",\"result\":\"OK\"}");
  CHECK(ReadFrame(frames).find("TOOBIG") != std::string::npos);
  CHECK(frames.IsClosed());
  CHECK(Ask(sane, "{\"command\":\"GET\",\"key\":\"k\"}") == "{\"status\":\"ok\",\"result\":1}\n");
}

TEST_CASE("a value of megabytes goes both ways") {
  TestServer server;
  TestClient client(server.port());
  std::string value = "\"";
  for (int i = 0; i < 500'000; ++i) value += "text\\n";
  value += '"';
  CHECK(Ask(client, "{\"command\":\"SET\",\"key\":\"k\",\"value\":" + value + "}") ==
        "{\"status\":\"ok\",\"result\":\"OK\"}\n");
  CHECK(Ask(client, "{\"command\":\"GET\",\"key\":\"k\"}") ==
        "{\"status\":\"ok\",\"result\":" + value + "}\n");
}

TEST_CASE("hundreds of connections that talk nonsense disturb nobody") {
  const uint64_t seed = 17;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  TestServer server;
  TestClient sane(server.port());
  for (int round = 0; round < 300; ++round) {
    TestClient client(server.port());
    std::string input = random() % 2 == 0
                            ? std::string("{\"command\":\"SET\",\"key\":\"x\",\"value\":[1]}\n")
                            : Frame("{\"cmd\":\"SET\",\"key\":\"x\",\"val\":[1]}");
    const std::string first = input.substr(0, 1);
    input = first + Damaged(random, input.substr(1) + input + input);
    client.Send(input);
    if (random() % 2 == 0) client.CloseWriting();
    if (random() % 4 == 0) client.Send("{");
    if (round % 10 != 0) continue;
    CHECK(Ask(sane, "{\"command\":\"SET\",\"key\":\"s\",\"value\":" + std::to_string(round) +
                        "}") == "{\"status\":\"ok\",\"result\":\"OK\"}\n");
  }
  CHECK(Ask(sane, "{\"command\":\"GET\",\"key\":\"s\"}") == "{\"status\":\"ok\",\"result\":290}\n");
}

TEST_CASE("a client that closes its half still gets its answers") {
  TestServer server;
  TestClient client(server.port());
  client.Send(
      "{\"command\":\"SET\",\"key\":\"k\",\"value\":1}\n{\"command\":\"GET\",\"key\":\"k\"}\n");
  client.CloseWriting();
  CHECK(client.ReadToEnd() ==
        "{\"status\":\"ok\",\"result\":\"OK\"}\n{\"status\":\"ok\",\"result\":1}\n");
}

TEST_CASE("the Python example prints its session") {
  TestServer server;
  const std::string command = "python3 " LIBKV_SOURCE_DIR "/examples/line_json.py 127.0.0.1 " +
                              std::to_string(server.port()) + " 2>&1";
  std::string output;
  FILE* const program = popen(command.c_str(), "r");
  REQUIRE(program != nullptr);
  for (int c = std::fgetc(program); c != EOF; c = std::fgetc(program)) {
    output += static_cast<char>(c);
  }
  const int status = pclose(program);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
    MESSAGE("there is no python3: the example is not tried");
    return;
  }
  CHECK(status == 0);
  CHECK(output.find("GET     {'name': 'John', 'age': 30}") != std::string::npos);
  CHECK(output.find("PIPELINE 1000 stored, last id 999") != std::string::npos);
  CHECK(output.find("ERROR   BADARG: 'value' is missing") != std::string::npos);
}

}  // namespace kvserver
