// What the comparison with Redis (redis_differential_test.cc) cannot see: where kvserver differs on
// purpose, expiry by time, vectors, scans over many keys.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kvserver/support/test_server.h"

namespace kvserver {
namespace {

using Words = std::vector<std::string>;

// Of an array of bulk strings.
std::vector<std::string> Elements(const std::string& reply) {
  std::vector<std::string> elements;
  size_t at = reply.find('\n') + 1;
  while (at < reply.size()) {
    const size_t line = reply.find('\n', at) + 1;
    const auto bytes = static_cast<size_t>(std::atoll(reply.c_str() + at + 1));
    elements.push_back(reply.substr(line, bytes));
    at = line + bytes + 2;
  }
  return elements;
}

struct Page {
  std::string cursor;
  std::vector<std::string> keys;
};

Page ScanPage(TestClient& client, Words words) {
  client.Send(RespRequest(words));
  Page page;
  REQUIRE(client.ReadLine() == "*2\r\n");
  page.cursor = client.ReadReply();
  page.cursor = page.cursor.substr(page.cursor.find('\n') + 1);
  page.cursor.resize(page.cursor.size() - 2);
  page.keys = Elements(client.ReadReply());
  return page;
}

void WaitUntilGone(TestClient& client, const std::string& key) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (client.Ask({"EXISTS", key}) == ":1\r\n") {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

const SettingsValues kFastSettings = {.durability = libkv::Durability::kBuffered};

}  // namespace

TEST_CASE("a key that cannot be stored is missing for reads and an error for writes") {
  TestServer server(kFastSettings);
  TestClient client(server.port());
  client.Ask({"SET", "a", "1"});
  for (const std::string& key : {std::string(), std::string(65'536, 'k')}) {
    CAPTURE(key.size());
    CHECK(client.Ask({"GET", key}) == "$-1\r\n");
    CHECK(client.Ask({"MGET", key, "a"}) == "*2\r\n$-1\r\n$1\r\n1\r\n");
    CHECK(client.Ask({"TTL", key}) == ":-2\r\n");
    CHECK(client.Ask({"STRLEN", key}) == ":0\r\n");
    CHECK(client.Ask({"EXISTS", key, "a", "a"}) == ":2\r\n");
    CHECK(client.Ask({"TYPE", key}) == "+none\r\n");
    CHECK(client.Ask({"DEL", key}) == ":0\r\n");
    CHECK(client.Ask({"GETDEL", key}) == "$-1\r\n");
    CHECK(client.Ask({"EXPIRE", key, "10"}) == ":0\r\n");
    CHECK(client.Ask({"PERSIST", key}) == ":0\r\n");
    CHECK(client.Ask({"LCS", key, "a"}) == "$0\r\n\r\n");
    CHECK(client.Ask({"RENAME", key, "b"}) == "-ERR no such key\r\n");
    CHECK(client.Ask({"WATCH", key}) == "+OK\r\n");
    const std::string error = key.empty() ? "-ERR the empty key cannot be stored\r\n"
                                          : "-ERR key is longer than 65535 bytes\r\n";
    for (const Words& words :
         {Words{"SET", key, "v"}, Words{"SETNX", key, "v"}, Words{"MSET", "b", "1", key, "v"},
          Words{"MSETNX", "b", "1", key, "v"}, Words{"GETSET", key, "v"}, Words{"APPEND", key, "v"},
          Words{"SETEX", key, "9", "v"}, Words{"SETRANGE", key, "0", "v"},
          Words{"SETBIT", key, "0", "1"}, Words{"BITOP", "OR", key, "a"}, Words{"INCR", key},
          Words{"INCRBYFLOAT", key, "1"}, Words{"RENAME", "a", key}, Words{"COPY", "a", key},
          Words{"SET", key, "v", "GET"}}) {
      CAPTURE(words[0]);
      CHECK(client.Ask(words) == error);
    }
  }
  CHECK(Elements(client.Ask({"KEYS", "*"})) == std::vector<std::string>{"a"});
}

TEST_CASE("values end at 64 MiB, and the error comes before the memory") {
  TestServer server(kFastSettings);
  TestClient client(server.port());
  client.Ask({"SET", "a", "1"});
  const std::string too_long = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
  CHECK(client.Ask({"SETRANGE", "a", "67108863", "xx"}) == too_long);
  CHECK(client.Ask({"SETRANGE", "a", "9223372036854775807", "x"}) == too_long);
  CHECK(client.Ask({"SETBIT", "a", "536870912", "1"}) ==
        "-ERR bit offset is not an integer or out of range\r\n");
  client.Ask({"SETRANGE", "b", "5000", "x"});
  CHECK(client.Ask({"LCS", "b", "b"}) ==
        "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n");
  CHECK(client.Ask({"GET", "a"}) == "$1\r\n1\r\n");
}

TEST_CASE("a key is gone when its time is over, pending or stored") {
  TestServer server(kFastSettings);
  TestClient client(server.port());
  client.Send(RespRequest({"SET", "a", "1", "PXAT", "1000"}) + RespRequest({"GET", "a"}) +
              RespRequest({"SET", "b", "1", "PX", "30"}) + RespRequest({"PTTL", "b"}));
  CHECK(client.ReadReply() == "+OK\r\n");
  CHECK(client.ReadReply() == "$-1\r\n");
  CHECK(client.ReadReply() == "+OK\r\n");
  CHECK(std::atoll(client.ReadReply().c_str() + 1) <= 30);
  WaitUntilGone(client, "b");
  CHECK(client.Ask({"TTL", "b"}) == ":-2\r\n");
  CHECK(client.Ask({"DBSIZE"}) == ":0\r\n");
  CHECK(client.Ask({"SET", "b", "2", "NX"}) == "+OK\r\n");
  CHECK(client.Ask({"TTL", "b"}) == ":-1\r\n");
}

TEST_CASE("a transaction fails when a watched key expires before EXEC") {
  TestServer server(kFastSettings);
  TestClient client(server.port());
  client.Ask({"SET", "a", "1", "PX", "50"});
  client.Ask({"WATCH", "b", "a"});
  client.Ask({"MULTI"});
  client.Ask({"SET", "c", "1"});
  TestClient other(server.port());
  WaitUntilGone(other, "a");
  CHECK(client.Ask({"EXEC"}) == "*-1\r\n");

  // One that was over before does not count.
  client.Ask({"WATCH", "a"});
  client.Ask({"MULTI"});
  client.Ask({"SET", "c", "1"});
  CHECK(client.Ask({"EXEC"}) == "*1\r\n+OK\r\n");
}

TEST_CASE("WATCH in a race with writers never loses an update") {
  // Goal: a write that was on its way when WATCH came is seen by the read behind WATCH, or breaks
  // the transaction. Method: several clients add 1 by WATCH, GET, SET, with the first two requests
  // sent together.
  constexpr int kClients = 4, kRounds = 60;
  TestServer server({.io_threads = 2});
  std::atomic<int64_t> added{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&] {
      TestClient client(server.port());
      for (int round = 0; round < kRounds; ++round) {
        client.Send(RespRequest({"WATCH", "n"}) + RespRequest({"GET", "n"}));
        client.ReadReply();
        const std::vector<std::string> value = Elements("*1\r\n" + client.ReadReply());
        const std::string next = std::to_string(value[0].empty() ? 1 : std::stoll(value[0]) + 1);
        client.Send(RespRequest({"MULTI"}) + RespRequest({"SET", "n", next}) +
                    RespRequest({"EXEC"}));
        client.ReadReply();
        client.ReadReply();
        if (client.ReadReply()[1] == '1') ++added;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  TestClient client(server.port());
  const std::string number = std::to_string(added.load());
  CHECK(added > 0);
  CHECK(client.Ask({"GET", "n"}) == "$" + std::to_string(number.size()) + "\r\n" + number + "\r\n");
}

TEST_CASE("SCAN tells every key that stays once, however many are written meanwhile") {
  TestServer server(kFastSettings);
  TestClient client(server.port());
  constexpr int kKeys = 500;
  for (int i = 0; i < kKeys; ++i) {
    client.Ask({"SET", (i % 2 == 0 ? "even:" : "odd:") + std::to_string(i), "v"});
  }
  std::multiset<std::string> seen;
  std::string cursor = "0";
  int pages = 0;
  do {
    const Page page = ScanPage(client, {"SCAN", cursor, "MATCH", "even:*", "COUNT", "7"});
    CHECK(page.keys.size() <= 7);
    seen.insert(page.keys.begin(), page.keys.end());
    cursor = page.cursor;
    client.Ask({"SET", "even:new:" + std::to_string(++pages), "v"});
    client.Ask({"DEL", "odd:" + std::to_string(2 * pages + 1)});
  } while (cursor != "0");
  for (int i = 0; i < kKeys; i += 2) CHECK(seen.count("even:" + std::to_string(i)) == 1);
  CHECK(seen.count("odd:1") == 0);
  CHECK(pages <= (kKeys / 2 + pages) / 7 + 1);  // the others are not walked over

  CHECK(client.Ask({"SCAN", "123456789"}).starts_with("-ERR unknown cursor"));
  CHECK(client.Ask({"SCAN", "x"}) == "-ERR invalid cursor\r\n");
  CHECK(ScanPage(client, {"SCAN", "0", "TYPE", "list"}).keys.empty());
}

TEST_CASE("RANDOMKEY finds many of the keys, and none where there is none") {
  TestServer server(kFastSettings);
  TestClient client(server.port());
  CHECK(client.Ask({"RANDOMKEY"}) == "$-1\r\n");
  for (int i = 0; i < 50; ++i) client.Ask({"SET", "user:" + std::to_string(i), "v"});
  std::set<std::string> seen;
  for (int i = 0; i < 400; ++i) seen.insert(client.Ask({"RANDOMKEY"}));
  CHECK(seen.size() > 25);
  CHECK(seen.count("$-1\r\n") == 0);
}

TEST_CASE("walks within EXEC see what the transaction has written before them") {
  TestServer server(kFastSettings);
  TestClient client(server.port());
  client.Ask({"MSET", "a", "1", "b", "2", "d", "4"});
  client.Send(RespRequest({"MULTI"}) + RespRequest({"SET", "c", "3"}) + RespRequest({"DEL", "a"}) +
              RespRequest({"KEYS", "*"}) + RespRequest({"DBSIZE"}) + RespRequest({"FLUSHALL"}) +
              RespRequest({"RANDOMKEY"}) + RespRequest({"SET", "e", "5"}) +
              RespRequest({"RANDOMKEY"}) + RespRequest({"SCAN", "0"}) + RespRequest({"EXEC"}));
  for (int i = 0; i < 10; ++i) client.ReadReply();
  CHECK(client.ReadReply() ==
        "*9\r\n+OK\r\n:1\r\n*3\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n:3\r\n+OK\r\n$-1\r\n+OK\r\n"
        "$1\r\ne\r\n*2\r\n$1\r\n0\r\n*1\r\n$1\r\ne\r\n");
  CHECK(client.Ask({"KEYS", "*"}) == "*1\r\n$1\r\ne\r\n");
}

TEST_CASE("FLUSHALL deletes more keys than one batch has, and breaks the watches of those alone") {
  TestServer server(kFastSettings);
  TestClient client(server.port()), other(server.port());
  std::string requests;
  constexpr int kKeys = 2'500;
  for (int i = 0; i < kKeys; ++i) requests += RespRequest({"SET", "k" + std::to_string(i), "v"});
  client.Send(requests + RespRequest({"DBSIZE"}));
  for (int i = 0; i < kKeys; ++i) client.ReadReply();
  CHECK(client.ReadReply() == ":2500\r\n");

  other.Ask({"WATCH", "k17"});
  other.Ask({"MULTI"});
  client.Ask({"WATCH", "missing"});
  client.Ask({"MULTI"});
  TestClient flusher(server.port());
  CHECK(flusher.Ask({"FLUSHALL", "ASYNC"}) == "+OK\r\n");
  CHECK(flusher.Ask({"DBSIZE"}) == ":0\r\n");
  CHECK(other.Ask({"EXEC"}) == "*-1\r\n");
  CHECK(client.Ask({"EXEC"}) == "*0\r\n");
}

TEST_CASE("EXPIRE, PERSIST and RENAME keep a given vector; another space does not get it") {
  libkv::Options options;
  options.spaces = {{.prefix = "v:", .vector_dimension = 3},
                    {.prefix = "w:", .vector_dimension = 2}};
  TestServer server(kFastSettings, options);
  TestClient client(server.port());
  const std::vector<float> vector = {1, 2, 3};
  libkv::Store& store = server.node().store();
  const auto vector_of = [&](const std::string& key) {
    return store.GetVector({}, key).value_or(std::vector<float>());
  };
  REQUIRE(store.Set({}, "v:a", "text", {.vector = vector}).ok());
  CHECK(client.Ask({"EXPIRE", "v:a", "1000"}) == ":1\r\n");
  CHECK(vector_of("v:a") == vector);
  client.Send(RespRequest({"EXPIRE", "v:a", "2000"}) + RespRequest({"PERSIST", "v:a"}));
  CHECK(client.ReadReply() == ":1\r\n");
  CHECK(client.ReadReply() == ":1\r\n");
  CHECK(vector_of("v:a") == vector);
  CHECK(client.Ask({"RENAME", "v:a", "v:b"}) == "+OK\r\n");
  CHECK(vector_of("v:b") == vector);
  CHECK(client.Ask({"COPY", "v:b", "w:c"}) == ":1\r\n");
  CHECK(client.Ask({"COPY", "v:b", "plain"}) == ":1\r\n");
  CHECK(vector_of("w:c").empty());
  CHECK(client.Ask({"GETEX", "v:b", "EX", "1000"}) == "$4\r\ntext\r\n");
  CHECK(vector_of("v:b") == vector);
}

TEST_CASE("commands of other types and of other servers have one clear error") {
  TestServer server(kFastSettings);
  TestClient client(server.port());
  CHECK(client.Ask({"LPUSH", "a", "1"}) ==
        "-ERR 'lpush' is not supported: kvserver stores strings (see COMMAND LIST)\r\n");
  CHECK(client.Ask({"hset", "a", "f", "1"}).starts_with("-ERR 'hset' is not supported"));
  CHECK(client.Ask({"DUMP", "a"}) == "-ERR 'dump' is not supported (see COMMAND LIST)\r\n");
  client.Ask({"MULTI"});
  client.Ask({"ZADD", "a", "1", "m"});
  CHECK(client.Ask({"EXEC"}) == "-EXECABORT Transaction discarded because of previous errors.\r\n");
}

}  // namespace kvserver
