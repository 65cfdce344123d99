// The client library against a server, and against servers that are silent, wrong or gone.
#include "kvclient/client.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kvserver/support/fake_server.h"
#include "kvserver/support/test_server.h"

namespace kvclient {
namespace {

using kvserver::DeadAddress;
using kvserver::FakeServer;
using kvserver::TestServer;
using std::chrono::milliseconds;

std::string AddressOf(const TestServer& server) {
  return "127.0.0.1:" + std::to_string(server.port());
}

Client ConnectTo(std::vector<std::string> addresses) {
  auto client = Client::Connect({.addresses = std::move(addresses)});
  REQUIRE_MESSAGE(client.ok(), std::string(client.status().message()));
  return *std::move(client);
}

// What servers answer to HELLO that know RESP2 only.
const std::string kNoHello = "-ERR unknown command 'HELLO'\r\n";

bool Contains(const absl::Status& status, std::string_view text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("what is set is read back, counted and deleted") {
  TestServer server;
  for (const int version : {2, 3}) {
    CAPTURE(version);
    auto connected = Client::Connect({.addresses = {AddressOf(server)}, .resp_version = version});
    REQUIRE(connected.ok());
    Client client = *std::move(connected);
    CHECK(client.resp_version() <= version);
    const std::string binary("\0\r\n\xff$5", 6);
    CHECK(client.Set("a", binary).ok());
    CHECK(client.Get("a").value() == binary);
    CHECK(client.Delete("a").value());
    CHECK_FALSE(client.Delete("a").value());
    CHECK(absl::IsNotFound(client.Get("a").status()));
    CHECK(client.Increment("n").value() == 1);
    CHECK(client.Set("n", "x").ok());
    CHECK(absl::IsInvalidArgument(client.Increment("n").status()));
    CHECK(client.Delete("n").ok());
    CHECK(client.Command({"PING"}).value() == Reply::Word("PONG"));
    CHECK(absl::IsUnimplemented(client.Command({"NO-SUCH-COMMAND"}).status()));
    CHECK(absl::IsInvalidArgument(client.Command({}).status()));
  }
}

TEST_CASE("a pipeline of 10,000 has 10,000 replies, in order, errors among them") {
  TestServer server;
  Client client = ConnectTo({AddressOf(server)});
  Pipeline pipeline;
  for (int i = 0; i < 5'000; ++i) {
    pipeline.Append({"INCR", "n"});
    pipeline.Append({"SET", "n"});
  }
  CHECK(pipeline.count() == 10'000);
  const auto replies = client.Execute(pipeline);
  REQUIRE(replies.ok());
  REQUIRE(replies->size() == 10'000);
  for (int i = 0; i < 5'000; ++i) {
    REQUIRE((*replies)[2 * i] == Reply::Integer(i + 1));
    REQUIRE((*replies)[2 * i + 1].is_error());
  }
  CHECK(client.Execute(Pipeline())->empty());
}

TEST_CASE("a pipeline whose replies fill every buffer does not lock up") {
  // Goal: reading goes on while there is more to send. Method: 50 MB in each direction.
  TestServer server;
  Client client = ConnectTo({AddressOf(server)});
  const std::string value(100'000, 'x');
  Pipeline pipeline;
  for (int i = 0; i < 500; ++i) {
    pipeline.Append({"SET", "a", value});
    pipeline.Append({"GET", "a"});
  }
  const auto replies = client.Execute(pipeline);
  REQUIRE(replies.ok());
  for (int i = 0; i < 500; ++i) REQUIRE((*replies)[2 * i + 1].bytes.size() == value.size());
}

TEST_CASE("MULTI to EXEC as a pipeline is one transaction") {
  TestServer server;
  Client client = ConnectTo({AddressOf(server)});
  Pipeline pipeline;
  pipeline.Append({"MULTI"}).Append({"SET", "a", "1"}).Append({"INCR", "a"}).Append({"EXEC"});
  const auto replies = client.Execute(pipeline);
  REQUIRE(replies.ok());
  REQUIRE(replies->back().elements.size() == 2);
  CHECK(replies->back().elements[1] == Reply::Integer(2));
}

TEST_CASE("a dead address is passed over, and all dead are named") {
  TestServer server;
  const std::string dead = DeadAddress();
  Client client = ConnectTo({dead, AddressOf(server)});
  CHECK(client.address() == AddressOf(server));
  CHECK(client.Set("a", "1").ok());

  const auto none = Client::Connect({.addresses = {dead, DeadAddress()}});
  CHECK(absl::IsUnavailable(none.status()));
  CHECK(Contains(none.status(), dead));
}

TEST_CASE("addresses that are none are refused at once") {
  for (const std::string text : {"", ":", ":7411", "host:", "host:x", "host:70000", "host:123456",
                                 "[::1", "[::1]x", "a:b:c"}) {
    CAPTURE(text);
    CHECK(absl::IsInvalidArgument(Client::Connect({.addresses = {text}}).status()));
  }
  CHECK(absl::IsInvalidArgument(Client::Connect({.addresses = {}}).status()));
}

TEST_CASE("after a restart the next call connects again, to the next address") {
  auto first = std::make_unique<TestServer>();
  TestServer second;
  Client client = ConnectTo({AddressOf(*first), AddressOf(second)});
  CHECK(client.Set("a", "first").ok());
  first.reset();
  CHECK(client.Set("a", "second").ok());
  CHECK(client.address() == AddressOf(second));
  CHECK(client.Get("a").value() == "second");
  second.Restart();  // on another port: no address is left
  CHECK(absl::IsUnavailable(client.Get("a").status()));
}

TEST_CASE("a silent server is given up on in time, and the connection with it") {
  FakeServer server({kNoHello, FakeServer::kSilence});
  auto client =
      Client::Connect({.addresses = {server.address()}, .request_timeout = milliseconds(200)});
  REQUIRE(client.ok());
  const auto start = std::chrono::steady_clock::now();
  const absl::Status status = client->Set("a", "1");
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK(absl::IsDeadlineExceeded(status));
  CHECK(Contains(status, "effect is unknown"));
  CHECK(took >= milliseconds(200));
  CHECK(took < milliseconds(5'000));

  FakeServer mute({FakeServer::kSilence});
  const auto never =
      Client::Connect({.addresses = {mute.address()}, .connect_timeout = milliseconds(100)});
  CHECK(absl::IsUnavailable(never.status()));
}

TEST_CASE("a write whose effect is unknown is not repeated, a read is") {
  // The connection ends after the request has arrived; the next one would be answered.
  FakeServer writes({kNoHello, FakeServer::kClose, kNoHello, "+OK\r\n"});
  Client client = ConnectTo({writes.address()});
  const absl::Status status = client.Set("a", "1");
  CHECK(absl::IsUnavailable(status));
  CHECK(Contains(status, "effect is unknown"));
  CHECK(writes.bursts() == 2);
  CHECK(client.Set("a", "1").ok());

  FakeServer reads({kNoHello, FakeServer::kClose, kNoHello, "$1\r\nx\r\n"});
  Client reader = ConnectTo({reads.address()});
  CHECK(reader.Get("a").value() == "x");
  CHECK(reads.bursts() == 4);
}

TEST_CASE("a server that always hangs up is not asked for ever") {
  std::vector<std::string> script;
  for (int i = 0; i < 100; ++i) {
    script.push_back(kNoHello);
    script.push_back(FakeServer::kClose);
  }
  FakeServer server(script);
  Client client = ConnectTo({server.address()});
  CHECK(absl::IsUnavailable(client.Get("a").status()));
  CHECK(server.bursts() == 4);
}

TEST_CASE("malformed answers end the connection, not the program") {
  const unsigned seed = 7'411;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string letters = "*$%~|>=!+-:,#_(019\r\n\r\nx";
  for (int round = 0; round < 150; ++round) {
    std::string answer;
    for (unsigned length = 1 + random() % 24; length > 0; --length) {
      answer += letters[random() % letters.size()];
    }
    CAPTURE(answer);
    FakeServer server({kNoHello, answer + FakeServer::kClose, kNoHello, "+PONG\r\n"});
    auto client =
        Client::Connect({.addresses = {server.address()}, .request_timeout = milliseconds(5'000)});
    REQUIRE(client.ok());
    const auto start = std::chrono::steady_clock::now();
    static_cast<void>(client->Command({"APPEND", "a", "b"}));
    REQUIRE(std::chrono::steady_clock::now() - start < milliseconds(4'000));
  }
  FakeServer server({kNoHello, "what?\r\n"});
  Client client = ConnectTo({server.address()});
  CHECK(absl::IsInternal(client.Get("a").status()));
}

TEST_CASE("replies beyond the bound of bytes are refused") {
  FakeServer server({kNoHello, "$2000\r\n"});
  auto client = Client::Connect({.addresses = {server.address()}, .reply_bytes_max = 1'000});
  REQUIRE(client.ok());
  CHECK(absl::IsInternal(client->Get("a").status()));
}

TEST_CASE("where there is no KV.BULKSET, MSET is used") {
  FakeServer server({kNoHello, "-ERR unknown command 'KV.BULKSET'\r\n", "+OK\r\n", "+OK\r\n"});
  Client client = ConnectTo({server.address()});
  const KeyValue items[] = {{"a", "1"}, {"b", "2"}};
  CHECK(client.BulkSet(items).ok());
  CHECK(client.BulkSet(items).ok());
  CHECK(server.bursts() == 4);
  CHECK(client.BulkSet({}).ok());
}

}  // namespace kvclient
