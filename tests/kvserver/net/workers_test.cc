// What takes minutes stands in nobody's way.
#include "net/workers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "command/table.h"
#include "kvserver/support/test_server.h"

namespace kvserver {

TEST_CASE("long jobs run one at a time beside the others, and only so many wait") {
  // Goal: two threads for jobs stay free while long ones run. Method: the long ones wait for this
  // test, which meanwhile lets short ones be done.
  std::promise<void> gate;
  const std::shared_future<void> open(gate.get_future());
  std::promise<void> started;
  std::atomic<int> running{0}, running_max{0}, done{0};
  {
    Workers workers(2);
    const auto job = [&] {
      running_max = std::max(running_max.load(), ++running);
      open.wait();
      --running;
      ++done;
    };
    REQUIRE(workers.DoLong([&] {
      started.set_value();
      job();
    }));
    started.get_future().wait();
    for (size_t i = 0; i < Workers::kLongJobsMax; ++i) CHECK(workers.DoLong(job));
    CHECK_FALSE(workers.DoLong(job));
    for (int i = 0; i < 10; ++i) {
      std::promise<void> finished;
      workers.Do([&] { finished.set_value(); });
      CHECK(finished.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready);
    }
    CHECK(done == 0);
    gate.set_value();
    while (done < 17) std::this_thread::yield();
  }
  CHECK(done == 17);
  CHECK(running_max == 1);
}

TEST_CASE("at the end long jobs that still wait are dropped, others are done") {
  std::promise<void> gate, started;
  std::atomic<int> long_done{0}, done{0};
  std::thread opener;
  {
    Workers workers(1);
    workers.DoLong([&] {
      started.set_value();
      gate.get_future().wait();
      ++long_done;
    });
    started.get_future().wait();
    for (int i = 0; i < 5; ++i) workers.DoLong([&] { ++long_done; });
    for (int i = 0; i < 5; ++i) workers.Do([&] { ++done; });
    opener = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      gate.set_value();
    });
  }
  opener.join();
  CHECK(long_done == 1);
  CHECK(done == 5);
}

TEST_CASE("a search answers while the store is verified") {
  // Goal: verifies do not take the workers of searches. Method: more of them are asked for than
  // there are workers, then one search: it must not have waited for them.
  constexpr size_t kVerifies = 10;
  libkv::Options options;
  options.spaces.push_back({.prefix = "t:", .text = true});
  TestServer server({}, options);
  TestClient client(server.port());
  std::string writes;
  constexpr int kWrites = 20'000;
  for (int i = 0; i < kWrites; ++i) {
    writes += RespRequest({"SET", "t:" + std::to_string(i), "words of " + std::to_string(i)});
  }
  client.Send(writes);
  for (int i = 0; i < kWrites; ++i) REQUIRE(client.ReadReply() == "+OK\r\n");
  std::vector<std::unique_ptr<TestClient>> verifiers;
  for (size_t i = 0; i < kVerifies; ++i) {
    verifiers.push_back(std::make_unique<TestClient>(server.port()));
    verifiers.back()->Send(RespRequest({"KV.VERIFY"}));
  }
  while (server.node().clients().size() < kVerifies + 1) std::this_thread::yield();
  const auto verified = [&] {
    uint64_t count = 0;
    for (const auto& bucket :
         server.node().command_times().Of(*FindCommand("kv.verify"))->buckets) {
      count += bucket;
    }
    return count;
  };
  CHECK(client.Ask({"KV.SEARCH", "words", "LIMIT", "1"}).find("t:") != std::string::npos);
  CHECK(verified() < kVerifies / 2);
  for (const auto& verifier : verifiers) CHECK(verifier->ReadReply().starts_with("*12\r\n"));
  CHECK(verified() == kVerifies);
}

TEST_CASE("more long commands than may wait are refused at once, and can be sent again") {
  constexpr size_t kClients = Workers::kLongJobsMax + 8;
  TestServer server;
  std::vector<std::unique_ptr<TestClient>> clients;
  for (size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<TestClient>(server.port()));
  }
  // Behind each of them another request of the same pipeline, which must be answered too.
  for (const auto& client : clients) {
    client->Send(RespRequest({"KV.VERIFY"}) + RespRequest({"PING"}));
  }
  for (const auto& client : clients) {
    const std::string reply = client->ReadReply();
    const bool is_refused = reply == "-TRYAGAIN too many commands that take long wait already\r\n";
    CHECK_MESSAGE((is_refused || reply.starts_with("*12\r\n")), reply);
    CHECK(client->ReadReply() == "+PONG\r\n");
    if (!is_refused) continue;
    std::string again = reply;
    while (again == reply) again = client->Ask({"KV.VERIFY"});
    CHECK(again.starts_with("*12\r\n"));
  }
}

}  // namespace kvserver
