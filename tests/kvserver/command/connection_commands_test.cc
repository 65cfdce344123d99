// HELLO, RESET, CLIENT: what a connection may say of itself, and of others.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "kvserver/support/test_server.h"

namespace kvserver {
namespace {

using Words = std::vector<std::string>;

std::string Bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string IdOf(TestClient& client) {
  const std::string reply = client.Ask({"CLIENT", "ID"});  // ":7\r\n"
  return reply.substr(1, reply.size() - 3);
}

}  // namespace

TEST_CASE("HELLO chooses the version of RESP and tells what clients look for") {
  TestServer server;
  TestClient client(server.port());
  const std::string two = client.Ask({"HELLO", "2"});
  CHECK(two.starts_with("*14\r\n$6\r\nserver\r\n$8\r\nkvserver\r\n$7\r\nversion\r\n"));
  const std::string three = client.Ask({"HELLO", "3", "SETNAME", "me", "AUTH", "default", "any"});
  CHECK(three.starts_with("%7\r\n"));
  for (const char* const key : {"proto\r\n:3", "mode\r\n$10\r\nstandalone", "role\r\n$6\r\nmaster",
                                "modules\r\n*0", "id\r\n:"}) {
    CHECK_MESSAGE(Contains(three, key), key);
  }
  CHECK(client.Ask({"CLIENT", "GETNAME"}) == Bulk("me"));
  CHECK(client.Ask({"GET", "none"}) == "_\r\n");
}

TEST_CASE("a HELLO that is wrong in one place changes nothing") {
  TestServer server;
  TestClient client(server.port());
  for (const Words& hello : {Words{"HELLO", "4"}, Words{"HELLO", "3", "SETNAME", "a b"},
                             Words{"HELLO", "3", "SETNAME", "x", "FOO"},
                             Words{"HELLO", "3", "SETNAME", "x", "AUTH", "nobody", "p"}}) {
    CHECK(client.Ask(hello)[0] == '-');
    CHECK(client.Ask({"CLIENT", "GETNAME"}) == "$-1\r\n");
  }
}

TEST_CASE("RESET makes a connection as new") {
  TestServer server;
  TestClient client(server.port());
  client.Ask({"HELLO", "3", "SETNAME", "me"});
  client.Ask({"CLIENT", "DURABILITY", "buffered"});
  client.Ask({"CLIENT", "NO-EVICT", "on"});
  client.Ask({"WATCH", "a"});
  client.Ask({"MULTI"});
  CHECK(client.Ask({"RESET"}) == "+RESET\r\n");
  CHECK(client.Ask({"EXEC"}) == "-ERR EXEC without MULTI\r\n");
  CHECK(client.Ask({"CLIENT", "GETNAME"}) == "$-1\r\n");
  CHECK(client.Ask({"CLIENT", "DURABILITY"}) == Bulk("synced"));
  CHECK(Contains(client.Ask({"CLIENT", "INFO"}), " flags=N "));
}

TEST_CASE("CLIENT LIST shows at once what connections said, and what they did last") {
  TestServer server({.io_threads = 2});
  TestClient one(server.port()), other(server.port());
  one.Ask({"CLIENT", "SETNAME", "first"});
  one.Ask({"CLIENT", "SETINFO", "LIB-NAME", "lib"});
  one.Ask({"CLIENT", "SETINFO", "lib-ver", "1.2"});
  one.Ask({"GET", "a"});
  one.Ask({"MULTI"});
  one.Ask({"GET", "a"});
  const std::string list = other.Ask({"CLIENT", "LIST"});
  CHECK(Contains(list, " name=first "));
  CHECK(Contains(list, " lib-name=lib lib-ver=1.2 "));
  CHECK(Contains(list, " flags=x "));
  CHECK(Contains(list, " multi=1 "));
  CHECK(Contains(list, " cmd=multi "));
  CHECK(Contains(list, " cmd=client|list "));
  const std::string by_id = other.Ask({"CLIENT", "LIST", "ID", IdOf(other), "99999"});
  CHECK_FALSE(Contains(by_id, "name=first"));
  CHECK(Contains(by_id, "cmd=client|list"));
  for (const char* const field : {"id=", "fd=", "qbuf=", "omem=", "tot-mem=", "events=r"}) {
    CHECK_MESSAGE(Contains(by_id, field), field);  // that client libraries take for granted
  }
  CHECK(other.Ask({"CLIENT", "LIST", "TYPE", "pubsub"}) == "$0\r\n\r\n");
  CHECK(Contains(other.Ask({"CLIENT", "LIST", "TYPE", "normal"}), " name=first "));
}

TEST_CASE("names cannot break the lines of CLIENT LIST") {
  TestServer server;
  TestClient client(server.port());
  for (const std::string& name :
       {std::string("a b"), std::string("a\nb"), std::string("\xff"), std::string(2'000, 'x')}) {
    CHECK(client.Ask({"CLIENT", "SETNAME", name})[0] == '-');
    CHECK(client.Ask({"CLIENT", "SETINFO", "LIB-NAME", name})[0] == '-');
  }
  CHECK(client.Ask({"CLIENT", "SETINFO", "FOO", "x"}) == "-ERR Unrecognized option 'FOO'\r\n");
}

TEST_CASE("CLIENT KILL closes whom it names and nobody else") {
  TestServer server({.io_threads = 2});
  TestClient one(server.port()), two(server.port()), killer(server.port());
  const std::string first = IdOf(one);
  CHECK(killer.Ask({"CLIENT", "KILL", "ID", first}) == ":1\r\n");
  CHECK(one.IsClosed());
  CHECK(killer.Ask({"CLIENT", "KILL", "ID", first}) == ":0\r\n");
  CHECK(killer.Ask({"CLIENT", "KILL", "TYPE", "pubsub"}) == ":0\r\n");
  CHECK(two.Ask({"PING"}) == "+PONG\r\n");

  // All but the one who asks, then that one too, after its reply.
  CHECK(killer.Ask({"CLIENT", "KILL", "TYPE", "normal"}) == ":1\r\n");
  CHECK(two.IsClosed());
  CHECK(killer.Ask({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"}) == ":1\r\n");
  CHECK(killer.IsClosed());
}

TEST_CASE("CLIENT KILL by address, the old form, answers OK once") {
  TestServer server;
  TestClient one(server.port()), killer(server.port());
  const std::string info = one.Ask({"CLIENT", "INFO"});
  const size_t begin = info.find("addr=") + 5;
  const std::string address = info.substr(begin, info.find(' ', begin) - begin);
  CHECK(killer.Ask({"CLIENT", "KILL", address}) == "+OK\r\n");
  CHECK(one.IsClosed());
  CHECK(killer.Ask({"CLIENT", "KILL", address}) == "-ERR No such client\r\n");
}

TEST_CASE("CLIENT REPLY: OFF until ON, SKIP for itself and one more") {
  TestServer server;
  TestClient client(server.port());
  client.Send(RespRequest({"CLIENT", "REPLY", "SKIP"}) + RespRequest({"SET", "a", "1"}) +
              RespRequest({"GET", "a"}));
  CHECK(client.ReadReply() == Bulk("1"));
  client.Send(RespRequest({"CLIENT", "REPLY", "OFF"}) + RespRequest({"SET", "a", "2"}) +
              RespRequest({"NOSUCH"}) + RespRequest({"CLIENT", "REPLY", "SKIP"}) +
              RespRequest({"CLIENT", "REPLY", "ON"}) + RespRequest({"GET", "a"}));
  CHECK(client.ReadReply() == "+OK\r\n");
  CHECK(client.ReadReply() == Bulk("2"));
}

TEST_CASE("CLIENT DURABILITY decides what later writes wait for") {
  // Goal: buffered writes cost no sync. Method: the counters of the store.
  TestServer server;
  TestClient client(server.port());
  CHECK(client.Ask({"CLIENT", "DURABILITY", "buffered"}) == "+OK\r\n");
  const uint64_t before = server.node().store().Stats().syncs;
  for (int i = 0; i < 5; ++i) client.Ask({"SET", "a", "1"});
  CHECK(server.node().store().Stats().syncs == before);
  CHECK(client.Ask({"CLIENT", "DURABILITY", "SYNCED"}) == "+OK\r\n");
  client.Ask({"SET", "a", "2"});
  CHECK(server.node().store().Stats().syncs > before);
  CHECK(client.Ask({"CLIENT", "DURABILITY", "maybe"})[0] == '-');
}

TEST_CASE("features that are missing say so, in the words that clients look for") {
  TestServer server;
  TestClient client(server.port());
  CHECK(client.Ask({"CLIENT", "MAINT_NOTIFICATIONS", "ON"}) ==
        "-ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.\r\n");
  CHECK(client.Ask({"CLUSTER", "NODES"}) == "-ERR This instance has cluster support disabled\r\n");
  CHECK(client.Ask({"EVALSHA", "x", "0"}).starts_with("-ERR scripts are not supported"));
  CHECK(client.Ask({"subscribe", "x"}).starts_with("-ERR PUBLISH and SUBSCRIBE"));
  CHECK(client.Ask({"CLIENT", "TRACKING", "ON"})[0] == '-');
  CHECK(client.Ask({"DEBUG", "SEGFAULT"})[0] == '-');
  CHECK(client.Ask({"PING"}) == "+PONG\r\n");
}

}  // namespace kvserver
