// What one connection may expect of its pipeline, and connections of each other.
#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "kvserver/support/test_server.h"

namespace kvserver {

TEST_CASE("a pipeline reads its own pending writes, and replies come in order") {
  TestServer server;
  TestClient client(server.port());
  client.Send(RespRequest({"SET", "a", "1"}) + RespRequest({"GET", "a"}) +
              RespRequest({"INCR", "a"}) + RespRequest({"GET", "a"}) + RespRequest({"DEL", "a"}) +
              RespRequest({"GET", "a"}) + RespRequest({"DEL", "a"}));
  CHECK(client.Read(5) == "+OK\r\n");
  CHECK(client.ReadReply() == "$1\r\n1\r\n");
  CHECK(client.ReadReply() == ":2\r\n");
  CHECK(client.ReadReply() == "$1\r\n2\r\n");
  CHECK(client.ReadReply() == ":1\r\n");
  CHECK(client.ReadReply() == "$-1\r\n");
  CHECK(client.ReadReply() == ":0\r\n");
}

TEST_CASE("increments of many connections are neither lost nor doubled") {
  constexpr int kClients = 8, kRounds = 50, kDepth = 16;
  TestServer server({.io_threads = 2});
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&server] {
      TestClient client(server.port());
      std::string requests;
      for (int k = 0; k < kDepth; ++k) requests += RespRequest({"INCR", "n"});
      for (int round = 0; round < kRounds; ++round) {
        client.Send(requests);
        for (int k = 0; k < kDepth; ++k) client.ReadReply();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  TestClient client(server.port());
  CHECK(client.Ask({"GET", "n"}) == "$4\r\n6400\r\n");
}

TEST_CASE("what was acknowledged is there after a restart") {
  TestServer server;
  {
    TestClient client(server.port());
    CHECK(client.Ask({"SET", "a", "1"}) == "+OK\r\n");
  }
  server.Restart();
  TestClient client(server.port());
  CHECK(client.Ask({"GET", "a"}) == "$1\r\n1\r\n");
}

TEST_CASE("EXEC is one: what it reads is what it wrote, and a watched key undoes it") {
  TestServer server;
  TestClient one(server.port()), other(server.port());
  one.Send(RespRequest({"MULTI"}) + RespRequest({"SET", "a", "1"}) + RespRequest({"INCR", "a"}) +
           RespRequest({"GET", "a"}) + RespRequest({"EXEC"}));
  CHECK(one.ReadReply() == "+OK\r\n");
  for (int i = 0; i < 3; ++i) CHECK(one.ReadReply() == "+QUEUED\r\n");
  CHECK(one.ReadReply() == "*3\r\n+OK\r\n:2\r\n$1\r\n2\r\n");

  CHECK(one.Ask({"WATCH", "a"}) == "+OK\r\n");
  CHECK(other.Ask({"SET", "a", "9"}) == "+OK\r\n");
  one.Ask({"MULTI"});
  one.Ask({"SET", "a", "5"});
  CHECK(one.Ask({"EXEC"}) == "*-1\r\n");
  CHECK(one.Ask({"GET", "a"}) == "$1\r\n9\r\n");
}

}  // namespace kvserver
