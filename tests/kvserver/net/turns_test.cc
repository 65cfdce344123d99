// How writes of many connections become few commits.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "kvserver/support/test_server.h"

namespace kvserver {

TEST_CASE("fifty connections with pipelines of sixteen share a sync by a hundred writes or more") {
  // Goal: durable writes cost a hundredth of a sync each. Method: count the store's own syncs while
  // all connections have their pipelines under way at the same time, again and again.
  constexpr int kClients = 50, kDepth = 16, kRounds = 20;
  TestServer server;
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<TestClient>(server.port()));
    CHECK(clients.back()->Ask({"PING"}) == "+PONG\r\n");
  }
  const uint64_t syncs = server.node().store().Stats().syncs;
  std::string replies;
  for (int i = 0; i < kDepth; ++i) replies += "+OK\r\n";
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kClients; ++i) {
      std::string requests;
      for (int k = 0; k < kDepth; ++k) {
        requests += RespRequest({"SET", "k" + std::to_string(i * kDepth + k), "value"});
      }
      clients[static_cast<size_t>(i)]->Send(requests);
    }
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

}  // namespace kvserver
