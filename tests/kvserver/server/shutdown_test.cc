// SHUTDOWN: the process ends well, and nobody who was promised something loses it.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kvserver/support/http_client.h"
#include "kvserver/support/server_process.h"
#include "kvserver/support/test_server.h"
#include "support/temp_dir.h"

namespace kvserver {
namespace {

std::vector<std::string> Options(const libkv::TempDir& dir) {
  // One thread serves all clients, so it takes up what they send in the order they send it.
  return {"--data-dir", dir.path(), "--port", "0", "--io-threads", "1", "--memory", "64MB"};
}

}  // namespace

TEST_CASE("SHUTDOWN answers those who wait for a durable write, and the data is there again") {
  // Goal: a write that was received is stored and answered though the process is told to end while
  // it is being synced. Method: four clients of three protocols send writes and read nothing; the
  // next one sends SHUTDOWN, which is run in the same turn as theirs, before it is stored.
  const libkv::TempDir dir;
  constexpr int kRounds = 5, kWrites = 200;
  for (int round = 1; round <= kRounds; ++round) {
    CAPTURE(round);
    ServerProcess server(Options(dir));
    const uint16_t port = server.WaitForPort();
    TestClient counter(port), big(port), json(port), ender(port), idle(port);
    HttpClient http(port);
    for (TestClient* const client : {&counter, &big, &ender, &idle}) {
      REQUIRE(client->Ask({"PING"}) == "+PONG\r\n");
    }
    std::string requests;
    for (int i = 0; i < kWrites; ++i) requests += RespRequest({"INCR", "n"});
    const std::string name = std::to_string(round);
    counter.Send(requests);
    big.Send(RespRequest({"SET", "big" + name, std::string(20'000, 'x')}));
    json.Send("{\"command\":\"SET\",\"key\":\"json" + name + "\",\"value\":1}\n");
    http.Send("PUT /v1/kv/http" + name +
              " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n2");
    ender.Send(RespRequest({"SHUTDOWN"}));

    const std::string counted = counter.ReadToEnd();
    CHECK(std::count(counted.begin(), counted.end(), ':') == kWrites);
    CHECK(counted.ends_with(":" + std::to_string(round * kWrites) + "\r\n"));
    CHECK(big.ReadToEnd() == "+OK\r\n");
    CHECK(json.ReadToEnd() == "{\"status\":\"ok\",\"result\":\"OK\"}\n");
    CHECK(http.Receive().status == 204);
    CHECK(ender.ReadToEnd().empty());
    CHECK(idle.ReadToEnd().empty());
    CHECK(server.WaitForEnd() == 0);
    CHECK(server.log().find("msg=\"stopped\"") != std::string::npos);
  }
  ServerProcess server(Options(dir));
  TestClient client(server.WaitForPort());
  const std::string count = std::to_string(kRounds * kWrites);
  CHECK(client.Ask({"GET", "n"}) == "$" + std::to_string(count.size()) + "\r\n" + count + "\r\n");
  for (int round = 1; round <= kRounds; ++round) {
    const std::string name = std::to_string(round);
    CHECK(client.Ask({"STRLEN", "big" + name}) == ":20000\r\n");
    CHECK(client.Ask({"GET", "json" + name}) == "$1\r\n1\r\n");
    CHECK(client.Ask({"GET", "http" + name}) == "$1\r\n2\r\n");
  }
}

TEST_CASE("a write in front of SHUTDOWN in the same pipeline is answered, one behind it is not") {
  const libkv::TempDir dir;
  ServerProcess server(Options(dir));
  TestClient client(server.WaitForPort());
  client.Send(RespRequest({"SET", "a", "1"}) + RespRequest({"SHUTDOWN", "NOW"}) +
              RespRequest({"SET", "b", "2"}));
  CHECK(client.ReadToEnd() == "+OK\r\n");
  CHECK(server.WaitForEnd() == 0);
  ServerProcess again(Options(dir));
  TestClient reader(again.WaitForPort());
  CHECK(reader.Ask({"MGET", "a", "b"}) == "*2\r\n$1\r\n1\r\n$-1\r\n");
}

TEST_CASE("over JSON and HTTP SHUTDOWN says OK before the connection ends") {
  const libkv::TempDir dir;
  {
    ServerProcess server(Options(dir));
    TestClient client(server.WaitForPort());
    client.Send("{\"command\":\"SHUTDOWN\"}\n");
    CHECK(client.ReadToEnd() == "{\"status\":\"ok\",\"result\":\"OK\"}\n");
    CHECK(server.WaitForEnd() == 0);
  }
  ServerProcess server(Options(dir));
  HttpClient client(server.WaitForPort());
  const HttpAnswer answer = client.PostJson("/v1/command", R"({"command":"shutdown"})");
  CHECK(answer.status == 200);
  CHECK(answer.body == "{\"status\":\"ok\",\"result\":\"OK\"}\n");
  CHECK(client.client().IsClosed());
  CHECK(server.WaitForEnd() == 0);
}

TEST_CASE("a SHUTDOWN that cannot be understood ends nothing") {
  const libkv::TempDir dir;
  ServerProcess server(Options(dir));
  TestClient client(server.WaitForPort());
  CHECK(client.Ask({"SHUTDOWN", "SAVE", "NOSAVE"}) == "-ERR syntax error\r\n");
  CHECK(client.Ask({"SHUTDOWN", "SOON"}) == "-ERR syntax error\r\n");
  CHECK(client.Ask({"SHUTDOWN", "ABORT"}) == "-ERR No shutdown in progress.\r\n");
  CHECK(client.Ask({"PING"}) == "+PONG\r\n");
  CHECK(server.End(SIGTERM) == 0);
}

}  // namespace kvserver
