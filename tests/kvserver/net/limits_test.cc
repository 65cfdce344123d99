// Clients that are slow, silent, half gone, too many, or wrong.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "kvserver/support/test_server.h"

namespace kvserver {

TEST_CASE("a client that has said all is still answered, then let go") {
  TestServer server;
  TestClient client(server.port());
  client.Send(RespRequest({"SET", "a", "1"}) + RespRequest({"GET", "a"}));
  client.CloseWriting();
  CHECK(client.ReadToEnd() == "+OK\r\n$1\r\n1\r\n");
}

TEST_CASE("half a request harms nobody") {
  TestServer server;
  {
    TestClient client(server.port());
    client.Send("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nab");
    client.CloseWriting();
    CHECK(client.ReadToEnd().empty());
  }
  TestClient other(server.port());
  CHECK(other.Ask({"GET", "a"}) == "$-1\r\n");
}

TEST_CASE("a client that does not read is not read from, and gets everything in the end") {
  // Goal: replies that nobody takes are bounded. Method: 3,000 replies of 100 KB, more than all
  // buffers hold, asked for at once; only then the client begins to read.
  constexpr int kRequests = 3'000;
  const std::string value(100'000, 'x');
  TestServer server;
  TestClient client(server.port());
  CHECK(client.Ask({"SET", "a", value}) == "+OK\r\n");
  std::string requests;
  for (int i = 0; i < kRequests; ++i) requests += RespRequest({"GET", "a"});
  client.Send(requests);
  TestClient other(server.port());
  CHECK(other.Ask({"PING"}) == "+PONG\r\n");
  const std::string reply = "$100000\r\n" + value + "\r\n";
  for (int i = 0; i < kRequests; ++i) REQUIRE(client.ReadReply() == reply);
  CHECK(client.Ask({"PING"}) == "+PONG\r\n");
}

TEST_CASE("connections beyond the limit are refused with a reason, and room comes back") {
  TestServer server({.clients_max = 2});
  auto first = std::make_unique<TestClient>(server.port());
  CHECK(first->Ask({"PING"}) == "+PONG\r\n");
  TestClient second(server.port());
  CHECK(second.Ask({"PING"}) == "+PONG\r\n");
  TestClient third(server.port());
  CHECK(third.ReadToEnd() == "-ERR max number of clients reached\r\n");
  first.reset();
  for (int tries = 0; server.node().clients().size() > 1 && tries < 1'000; ++tries) {
    CHECK(second.Ask({"PING"}) == "+PONG\r\n");
  }
  TestClient fourth(server.port());
  CHECK(fourth.Ask({"PING"}) == "+PONG\r\n");
}

TEST_CASE("nonsense is answered and the connection closed; others notice nothing") {
  TestServer server;
  TestClient other(server.port());
  CHECK(other.Ask({"SET", "a", "1"}) == "+OK\r\n");
  const std::vector<std::string> cases = {"*1\r\n$x\r\n",
                                          "*-5x\r\n",
                                          std::string("\x80\x81"),
                                          "\x16\x03\x01\x02",
                                          std::string(100'000, 'a'),
                                          std::string("\r\n\r\n\0\r\nQUIT\n", 12)};
  for (const std::string& input : cases) {
    CAPTURE(input.substr(0, 20));
    TestClient client(server.port());
    client.Send(input);
    const std::string answer = client.ReadToEnd();
    CHECK(answer.substr(0, 4) == "-ERR");
    CHECK(answer.size() < 200);
    CHECK(other.Ask({"GET", "a"}) == "$1\r\n1\r\n");
  }
}

TEST_CASE("one request that cannot be stored fails alone, though it shares its commit") {
  // Goal: a turn with one bad write stores the others. Method: a space wants vectors of another
  // dimension than the value comes with, which only the store can know; good writes go around it in
  // one pipeline, so in one turn.
  libkv::Options options;
  libkv::Space space{.prefix = "v:", .vector_dimension = 2};
  options.spaces.push_back(space);
  TestServer server({}, options);
  Node& node = server.node();
  WriteTurns& turns = node.turns();
  const std::vector<float> wrong = {1, 2, 3};
  {
    WriteTurns::Writer writer(turns, libkv::Durability::kSynced);
    writer.Set("a", "1");
  }
  {
    WriteTurns::Writer writer(turns, libkv::Durability::kSynced);
    writer.Set("v:a", "2", 0, wrong);
  }
  {
    WriteTurns::Writer writer(turns, libkv::Durability::kSynced);
    writer.Set("b", "3");
  }
  turns.Quiesce().unlock();
  CHECK(node.store().Get({}, "a").value() == "1");
  CHECK(node.store().Get({}, "b").value() == "3");
  CHECK(absl::IsNotFound(node.store().Get({}, "v:a").status()));
}

TEST_CASE("stopping answers what was received, and stores it") {
  TestServer server;
  TestClient client(server.port());
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += RespRequest({"INCR", "n"});
  client.Send(requests);
  CHECK(client.ReadReply() == ":1\r\n");
  server.Restart();
  const std::string rest = client.ReadToEnd();
  // Acknowledged are those whose replies came; none of them may be missing.
  const auto acknowledged = static_cast<long>(std::count(rest.begin(), rest.end(), ':')) + 1;
  TestClient again(server.port());
  const std::string stored = again.Ask({"GET", "n"});
  const long count = std::stol(stored.substr(stored.find("\r\n") + 2));
  CHECK(count >= acknowledged);
}

}  // namespace kvserver
