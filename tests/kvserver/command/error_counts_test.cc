// Errors are counted by their codes, whichever protocol asked.
#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>

#include "kvserver/support/http_client.h"
#include "kvserver/support/test_server.h"

namespace kvserver {
namespace {

// What was counted since the last call.
std::map<std::string, uint64_t> Counted(TestServer& server) {
  auto counts = server.node().error_stats().All();
  uint64_t sum = 0;
  for (const auto& [code, count] : counts) sum += count;
  CHECK(server.node().errors.load() == sum);
  server.node().error_stats().Clear();
  server.node().errors = 0;
  return counts;
}

std::string Framed(const std::string& json) {
  return std::string("\0\0\0", 3) + static_cast<char>(json.size()) + json;
}

using Counts = std::map<std::string, uint64_t>;

}  // namespace

TEST_CASE("errors of RESP are counted, of a transaction as one reply") {
  TestServer server;
  TestClient client(server.port());
  client.Ask({"SET", "a", "x"});
  client.Ask({"INCR", "a"});
  client.Ask({"NOSUCH"});
  client.Ask({"GET", "none"});
  client.Send("\r\n");
  CHECK(Counted(server) == Counts{{"ERR", 2}});
  client.Ask({"MULTI"});
  client.Ask({"INCR", "a"});
  CHECK(client.Ask({"EXEC"}).starts_with("*1\r\n-ERR"));
  CHECK(Counted(server).empty());
  client.Ask({"MULTI"});
  client.Ask({"INCR"});
  client.Ask({"EXEC"});
  CHECK(Counted(server) == Counts{{"ERR", 1}, {"EXECABORT", 1}});
  client.Send("*1\r\n$x\r\n");
  CHECK(client.ReadToEnd().starts_with("-ERR Protocol error"));
  CHECK(Counted(server) == Counts{{"ERR", 1}});
}

TEST_CASE("errors of both JSON protocols are counted: of commands, and of what is no request") {
  TestServer server;
  TestClient lines(server.port()), frames(server.port());
  const auto ask = [&](const std::string& json) {
    lines.Send(json + "\n");
    return lines.ReadLine();
  };
  CHECK(ask(R"({"command":"SET","key":"a","value":"x"})").starts_with("{\"status\":\"ok\""));
  CHECK(ask(R"({"id":1,"command":"GET","key":"none"})").starts_with("{\"id\":1,\"status\":\"ok\""));
  CHECK(Counted(server).empty());
  ask(R"({"id":"-ERR","command":"INCR","key":"a"})");
  ask(R"({"command":"NOSUCH"})");
  ask(R"({"command":"GET"})");
  ask("{nonsense");
  lines.Send("  \n");  // no request at all
  CHECK(ask(R"({"command":"PING"})").starts_with("{\"status\":\"ok\""));
  CHECK(Counted(server) == Counts{{"BADARG", 1}, {"BADJSON", 1}, {"ERR", 2}});
  frames.Send(Framed(R"({"cmd":"INCR","key":"a"})"));
  frames.Read(4);
  frames.Send(Framed("[]"));
  while (server.node().errors.load() < 2) frames.Read(1);
  CHECK(Counted(server) == Counts{{"BADJSON", 1}, {"ERR", 1}});
}

TEST_CASE("errors of HTTP are counted: of commands, of routes, of what is no request") {
  TestServer server;
  HttpClient client(server.port());
  CHECK(client.Ask("PUT", "/v1/kv/a", "x").status == 204);
  CHECK(client.Ask("GET", "/v1/kv/none").status == 404);  // a miss, as in the other protocols
  CHECK(client.Ask("GET", "/livez").status == 200);
  CHECK(Counted(server).empty());
  CHECK(client.PostJson("/v1/command", R"({"command":"incr","key":"a"})").status == 400);
  CHECK(client.Ask("GET", "/livez").status == 200);  // the one before is not counted again
  CHECK(client.Ask("PUT", "/v1/kv/a", "y", "If-Match: \"0000000000000000\"\r\n").status == 412);
  CHECK(client.Ask("GET", "/v1/nothing").status == 404);
  CHECK(client.Ask("PATCH", "/v1/kv/a").status == 405);
  CHECK(Counted(server) == Counts{{"ERR", 2}, {"NOTFOUND", 1}, {"VERSIONMISMATCH", 1}});
  client.Ask("GET", "/v1/nothing");
  const std::string metrics = client.Ask("GET", "/metrics").body;
  CHECK(metrics.find("\nkv_errors_total 1\n") != std::string::npos);
  TestClient resp(server.port());
  const std::string info = resp.Ask({"INFO", "errorstats"});
  CHECK(info.find("errorstat_NOTFOUND:count=1\r\n") != std::string::npos);
  Counted(server);
  client.Send("GET / HTTP/1.1\r\n\r\n");
  CHECK(client.Receive().status == 400);
  CHECK(Counted(server) == Counts{{"ERR", 1}});
}

TEST_CASE("an error that takes the place of an answer is counted") {
  // A write that the store refuses was answered with OK before it was handed over.
  libkv::Options options;
  options.spaces.push_back({.prefix = "v:", .vector_dimension = 2});
  TestServer server({}, options);
  HttpClient client(server.port());
  const HttpAnswer answer = client.PostJson(
      "/v1/command", R"({"command":"kv.setx","key":"v:a","value":"1","vector":[1,2,3]})");
  CHECK(answer.status >= 400);
  CHECK(Counted(server) == Counts{{"ERR", 1}});
}

}  // namespace kvserver
