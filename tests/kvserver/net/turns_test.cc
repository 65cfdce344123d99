// How writes of many connections become few commits.
#include <doctest/doctest.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kvserver/support/test_server.h"

namespace kvserver {

TEST_CASE("fifty connections with pipelines of sixteen share a sync by a hundred writes or more") {
  // Goal: durable writes cost a hundredth of a sync each. Method: count the store's own syncs while
  // all connections have their pipelines under way at the same time, again and again: the first
  // commit of a round is held back until all of it is sent, however fast or slow this machine is.
  constexpr int kClients = 50, kDepth = 16, kRounds = 20;
  std::mutex sending;
  TestServer server;
  server.node().turns().SkipSyncs([&sending] {
    const std::lock_guard until_sent(sending);
    return false;
  });
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<TestClient>(server.port()));
    CHECK(clients.back()->Ask({"PING"}) == "+PONG\r\n");
  }
  const uint64_t syncs = server.node().store().Stats().syncs;
  std::string replies;
  for (int i = 0; i < kDepth; ++i) replies += "+OK\r\n";
  for (int round = 0; round < kRounds; ++round) {
    std::unique_lock lock(sending);
    for (int i = 0; i < kClients; ++i) {
      std::string requests;
      for (int k = 0; k < kDepth; ++k) {
        requests += RespRequest({"SET", "k" + std::to_string(i * kDepth + k), "value"});
      }
      clients[static_cast<size_t>(i)]->Send(requests);
    }
    lock.unlock();
    for (auto& client : clients) REQUIRE(client->Read(replies.size()) == replies);
  }
  const uint64_t used = server.node().store().Stats().syncs - syncs;
  MESSAGE("syncs: " << used << " for " << kClients * kDepth * kRounds << " writes");
  CHECK(used * 100 <= kClients * kDepth * kRounds);
}

TEST_CASE("writes that are not to be synced cost no sync, and a stronger one beside them does") {
  TestServer server({.durability = libkv::Durability::kWritten});
  TestClient client(server.port());
  const uint64_t syncs = server.node().store().Stats().syncs;
  for (int i = 0; i < 100; ++i) REQUIRE(client.Ask({"SET", "a", std::to_string(i)}) == "+OK\r\n");
  CHECK(server.node().store().Stats().syncs == syncs);
  {
    WriteTurns::Writer writer(server.node().turns(), libkv::Durability::kWritten);
    writer.Set("b", "1");
  }
  {
    WriteTurns::Writer writer(server.node().turns(), libkv::Durability::kSynced);
    writer.Set("c", "1");
  }
  server.node().turns().Quiesce().unlock();
  CHECK(server.node().store().Stats().syncs == syncs + 1);
}

TEST_CASE(
    "a row of a request is stored with its writes, though another request spoils the commit") {
  // Goal: what remembers a request is never without it, nor it without that. Method: a write that
  // the store refuses stands in the same turn, so that the requests are stored one by one.
  libkv::Options options;
  options.spaces.push_back({.prefix = "v:", .vector_dimension = 2});
  TestServer server({}, options);
  WriteTurns& turns = server.node().turns();
  const std::vector<float> wrong = {1, 2, 3};
  {
    WriteTurns::Writer writer(turns, libkv::Durability::kSynced);
    writer.Set("a", "1");
    writer.PutRow("row of a", "1");
  }
  {
    WriteTurns::Writer writer(turns, libkv::Durability::kSynced);
    writer.Set("v:b", "1", 0, wrong);
    writer.PutRow("row of b", "1");
  }
  turns.Quiesce().unlock();
  libkv::Store& store = server.node().store();
  CHECK(store.Get({}, "a").value() == "1");
  CHECK(store.GetRow({}, "row of a").value() == "1");
  CHECK(absl::IsNotFound(store.Get({}, "v:b").status()));
  CHECK(absl::IsNotFound(store.GetRow({}, "row of b").status()));
}

TEST_CASE("a lone connection's writes are committed by the thread that reads them, others' not") {
  // Goal: no other thread is woken for a single client, and no client waits for the sync of
  // another. Method: count such commits while one client writes, and while two do in turn.
  TestServer server({.io_threads = 1});
  const WriteTurns& turns = server.node().turns();
  TestClient first(server.port()), second(server.port());
  for (int i = 0; i < 300; ++i)
    REQUIRE(first.Ask({"INCR", "n"}) == ":" + std::to_string(i + 1) + "\r\n");
  CHECK(turns.turns_committed_here() > 0);
  REQUIRE(second.Ask({"PING"}) == "+PONG\r\n");
  const uint64_t before = turns.turns_committed_here();
  for (int i = 300; i < 400; i += 2) {
    REQUIRE(first.Ask({"INCR", "n"}) == ":" + std::to_string(i + 1) + "\r\n");
    REQUIRE(second.Ask({"INCR", "n"}) == ":" + std::to_string(i + 2) + "\r\n");
  }
  CHECK(turns.turns_committed_here() == before);
  server.Restart();
  CHECK(TestClient(server.port()).Ask({"GET", "n"}) == "$3\r\n400\r\n");
}

TEST_CASE("small turns without a sync need no other thread, and large ones do not hold up reads") {
  TestServer server({.io_threads = 1, .durability = libkv::Durability::kWritten});
  const WriteTurns& turns = server.node().turns();
  TestClient first(server.port()), second(server.port());
  for (int i = 0; i < 50; ++i) {
    REQUIRE(first.Ask({"INCR", "n"}) == ":" + std::to_string(2 * i + 1) + "\r\n");
    REQUIRE(second.Ask({"INCR", "n"}) == ":" + std::to_string(2 * i + 2) + "\r\n");
  }
  CHECK(turns.turns_committed_here() > 0);
  const uint64_t before = turns.turns_committed_here();
  const std::string value(WriteTurns::kHereBytesMax, 'v');
  REQUIRE(first.Ask({"SET", "large", value}) == "+OK\r\n");
  std::vector<std::string> many = {"MSET"};
  for (size_t i = 0; i <= WriteTurns::kHereWritesMax; ++i) {
    many.push_back("m" + std::to_string(i));
    many.push_back("1");
  }
  REQUIRE(first.Ask(many) == "+OK\r\n");
  CHECK(turns.turns_committed_here() == before);
}

TEST_CASE("of the writes to one key in a long turn the last one counts") {
  // Goal: a turn whose keys are sorted keeps the order of each key. Method: a pipeline longer than
  // what is sorted, of few keys.
  TestServer server;
  TestClient client(server.port());
  std::string requests, replies;
  for (int i = 0; i < 900; ++i) {
    const std::string key = "k" + std::to_string((i * 7) % 10);
    requests +=
        i % 90 < 80 ? RespRequest({"SET", key, std::to_string(i)}) : RespRequest({"DEL", key});
    replies += i % 90 < 80 ? "+OK\r\n" : ":1\r\n";
  }
  for (int i = 900; i < 910; ++i) {
    requests += RespRequest({"SET", "k" + std::to_string(i % 10), std::to_string(i)});
    replies += "+OK\r\n";
  }
  client.Send(requests);
  REQUIRE(client.Read(replies.size()) == replies);
  server.Restart();
  TestClient other(server.port());
  for (int i = 900; i < 910; ++i) {
    CHECK(other.Ask({"GET", "k" + std::to_string(i % 10)}) ==
          "$3\r\n" + std::to_string(i) + "\r\n");
  }
}

}  // namespace kvserver
