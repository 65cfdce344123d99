// The options of the process: where their values come from, what is refused and how it is said.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kvserver/support/http_client.h"
#include "kvserver/support/run_program.h"
#include "kvserver/support/server_process.h"
#include "kvserver/support/test_server.h"
#include "support/loopback.h"
#include "support/temp_dir.h"

namespace kvserver {
namespace {

using Strings = std::vector<std::string>;

// The bulk strings in a RESP reply, or its one line.
std::string Text(const std::string& reply) {
  std::string text;
  size_t at = 0;
  while ((at = reply.find('$', at)) != std::string::npos) {
    const size_t line = reply.find("\r\n", at) + 2;
    text += (text.empty() ? "" : " ") + reply.substr(line, reply.find("\r\n", line) - line);
    at = line;
  }
  return text;
}

std::string Setting(uint16_t port, const std::string& name) {
  TestClient client(port);
  const std::string text = Text(client.Ask({"CONFIG", "GET", name}));
  return text.substr(std::min(text.size(), name.size() + 1));
}

bool HasNodeId(uint16_t port, const std::string& id) {
  TestClient client(port);
  return client.Ask({"INFO", "server"}).find("kv_node_id:" + id + "\r\n") != std::string::npos;
}

// How a process with these options ends, and what it says; it must not begin to serve.
struct Refusal {
  int code;
  std::string text;
};

Refusal Refused(const Strings& arguments, const Strings& environment = {},
                const Strings& prefix = {}) {
  ServerProcess server(arguments, environment, prefix);
  const int code = server.WaitForEnd();
  return {code, server.log()};
}

std::string Framed(const std::string& json) {
  return std::string("\0\0\0", 3) + static_cast<char>(json.size()) + json;
}

struct Wire {
  std::string name, request, reply_begin;
};

}  // namespace

TEST_CASE("each protocol can be switched off, and the others go on") {
  // Goal: --protocols leaves out exactly what it does not name. Method: for each of the four a
  // server that speaks the other three, asked in all of them.
  const std::string refusal = "-ERR this protocol is unknown or switched off here\r\n";
  const std::vector<Wire> wires = {
      {"resp", "*1\r\n$4\r\nPING\r\n", "+PONG\r\n"},
      {"resp", "PING\r\n", "+PONG\r\n"},
      {"json", "{\"command\":\"PING\"}\n", "{\"status\":\"ok\""},
      {"frame", Framed(R"({"cmd":"PING"})"), std::string("\0\0\0", 3)},
      {"http", "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
  };
  for (const std::string off : {"resp", "json", "frame", "http"}) {
    CAPTURE(off);
    std::string on;
    for (const std::string name : {"resp", "json", "frame", "http"}) {
      if (name != off) on += (on.empty() ? "" : ",") + name;
    }
    const libkv::TempDir dir;
    ServerProcess server({"--data-dir", dir.path(), "--port", "0", "--protocols", on});
    const uint16_t port = server.WaitForPort();
    for (const Wire& wire : wires) {
      CAPTURE(wire.request);
      TestClient client(port);
      client.Send(wire.request);
      if (wire.name != off) {
        CHECK(client.Read(wire.reply_begin.size()) == wire.reply_begin);
      } else if (off == "http") {
        CHECK(client.ReadToEnd() ==
              "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      } else {
        CHECK(client.ReadToEnd() == refusal);
      }
    }
    CHECK(server.End(SIGTERM) == 0);
  }
}

TEST_CASE("the environment gives port, directory and name of the node") {
  const libkv::TempDir dir;
  const uint16_t port = libkv::FreePort();
  ServerProcess server({}, {"DB_PORT=" + std::to_string(port), "DB_DATA_DIR=" + dir.path("here"),
                            "DB_NODE_ID=seven", "KV_MEMORY=16MB", "KV_DURABILITY=written"});
  CHECK(server.WaitForPort() == port);
  CHECK(Setting(port, "dir") == dir.path("here"));
  CHECK(Setting(port, "maxmemory") == std::to_string(size_t{16} << 20));
  CHECK(Setting(port, "durability") == "written");
  CHECK(HasNodeId(port, "seven"));
}

TEST_CASE("KV_LISTEN gives address and port") {
  const libkv::TempDir dir;
  const uint16_t port = libkv::FreePort();
  ServerProcess server({"--data-dir", dir.path()},
                       {"KV_LISTEN=0.0.0.0:" + std::to_string(port), "DB_PORT=1"});
  CHECK(server.WaitForPort() == port);
  CHECK(Setting(port, "bind") == "0.0.0.0");
}

TEST_CASE("the command line goes before the file, and the file before the environment") {
  // Three options that all three could give: one from each is what counts.
  const libkv::TempDir dir;
  WriteFile(dir.path("kv.conf"),
            "# a comment\nport = 0\nnode-id = file\ndurability = written\n"
            "data-dir = \"" +
                dir.path() + "\"\n");
  ServerProcess server({"--config", dir.path("kv.conf"), "--node-id", "line"},
                       {"DB_PORT=1", "DB_NODE_ID=environment", "KV_DURABILITY=buffered",
                        "DB_DATA_DIR=" + dir.path("elsewhere"), "KV_MEMORY=16MB"});
  const uint16_t port = server.WaitForPort();
  CHECK(HasNodeId(port, "line"));
  CHECK(Setting(port, "durability") == "written");
  CHECK(Setting(port, "dir") == dir.path());
  CHECK(Setting(port, "maxmemory") == std::to_string(size_t{16} << 20));
}

TEST_CASE("a port of the command line goes before an address of the environment") {
  const libkv::TempDir dir;
  const uint16_t port = libkv::FreePort();
  ServerProcess server({"--data-dir", dir.path(), "--port", std::to_string(port)},
                       {"KV_LISTEN=0.0.0.0:1"});
  CHECK(server.WaitForPort() == port);
  CHECK(Setting(port, "bind") == "0.0.0.0");
}

TEST_CASE("a file of options that is not there, or names what is no option, is refused") {
  const libkv::TempDir dir;
  const Refusal missing = Refused({"--config", dir.path("none"), "--data-dir", dir.path()});
  CHECK(missing.code != 0);
  CHECK(missing.text.find(dir.path("none")) != std::string::npos);
  WriteFile(dir.path("kv.conf"), "port = 0\ndata-dir = " + dir.path() + "\ndurabilty = synced\n");
  const Refusal unknown = Refused({"--config", dir.path("kv.conf")});
  CHECK(unknown.code != 0);
  CHECK(unknown.text.find("durabilty") != std::string::npos);
}

TEST_CASE("wrong values are refused in words that name the option") {
  struct Case {
    Strings arguments, environment;
    std::string text;
  };
  const libkv::TempDir dir;
  const std::vector<Case> cases = {
      {{"--memory", "7MB"}, {}, "--memory 7MB: give a size of at least 8MB"},
      {{"--memory", "much"}, {}, "--memory much: give a size"},
      {{"--memory", "512XB"}, {}, "--memory 512XB: give a size"},
      {{"--memory", "99999999999999TB"}, {}, "--memory 99999999999999TB: give a size"},
      {{}, {"KV_MEMORY=-1"}, "--memory -1: give a size"},
      {{"--port", "65536"}, {}, "--port"},
      {{"--port", "-1"}, {}, "--port"},
      {{"--port", "http"}, {}, "--port"},
      {{}, {"DB_PORT=x"}, "--port"},
      {{"--listen", "127.0.0.1"}, {}, "--listen 127.0.0.1: give HOST:PORT"},
      {{"--listen", "127.0.0.1:"}, {}, "--listen 127.0.0.1:: give HOST:PORT"},
      {{"--listen", "127.0.0.1:65536"}, {}, "--listen 127.0.0.1:65536: give HOST:PORT"},
      {{"--listen", "127.0.0.1:-1"}, {}, "--listen 127.0.0.1:-1: give HOST:PORT"},
      {{}, {"KV_LISTEN=:x"}, "--listen :x: give HOST:PORT"},
      {{"--listen", "no.such.host:0"}, {}, "cannot listen on 'no.such.host': give an IP address"},
      {{"--listen", "256.0.0.1:0"}, {}, "cannot listen on '256.0.0.1': give an IP address"},
      {{"--durability", "maybe"}, {}, "--durability"},
      {{"--protocols", "resp,smtp"}, {}, "--protocols"},
      {{"--space", "a:text,colour=red"}, {}, "--space"},
      {{"--io-threads", "257"}, {}, "--io-threads"},
      {{"--max-clients", "0"}, {}, "--max-clients"},
      {{"--idle-timeout", "-1"}, {}, "--idle-timeout"},
      {{"--slow-log-us", "-2"}, {}, "--slow-log-us"},
      {{"--log-format", "xml"}, {}, "--log-format"},
      {{"--log-level", "loud"}, {}, "--log-level"},
      {{"--no-such-option"}, {}, "--no-such-option"},
  };
  for (const Case& wrong : cases) {
    Strings arguments = {"--data-dir", dir.path()};
    arguments.insert(arguments.end(), wrong.arguments.begin(), wrong.arguments.end());
    CAPTURE(wrong.text);
    const Refusal refusal = Refused(arguments, wrong.environment);
    CHECK(refusal.code != 0);
    CHECK(refusal.code < 128);
    CHECK_MESSAGE(refusal.text.find(wrong.text) != std::string::npos, refusal.text);
  }
  const Refusal no_directory = Refused({"--port", "0"});
  CHECK(no_directory.code != 0);
  CHECK(no_directory.text.find("--data-dir") != std::string::npos);
}

TEST_CASE("sizes may have units of either case, and addresses brackets or no host") {
  const libkv::TempDir dir;
  struct Case {
    std::string memory, listen, bytes, address;
  };
  const std::vector<Case> cases = {
      {"8388608", "localhost:0", "8388608", "127.0.0.1"},
      {"16m", ":0", "16777216", "127.0.0.1"},
      {"20000KiB", "0", "20480000", "127.0.0.1"},
      {"1gB", "[127.0.0.1]:0", "1073741824", "127.0.0.1"},
  };
  for (const Case& right : cases) {
    ServerProcess server(
        {"--data-dir", dir.path(), "--memory", right.memory, "--listen", right.listen});
    const uint16_t port = server.WaitForPort();
    CHECK(Setting(port, "maxmemory") == right.bytes);
    CHECK(Setting(port, "bind") == right.address);
    CHECK(server.End(SIGINT) == 0);
  }
}

TEST_CASE("too few file descriptors for the clients are told at the start") {
  const libkv::TempDir dir;
  const Strings prefix = {"/bin/sh", "-c", "ulimit -n 1100 && exec \"$@\"", "sh"};
  const Refusal refusal =
      Refused({"--data-dir", dir.path(), "--port", "0", "--max-clients", "77"}, {}, prefix);
  CHECK(refusal.code == 1);
  CHECK(refusal.text ==
        "kvserver: too few file descriptors: 1101 are needed for --max-clients 77, the limit is "
        "1100; raise it (ulimit -n) or lower --max-clients\n");
  // With as many as it needs, and a limit of this process that may be raised, it runs.
  const Strings soft = {"/bin/sh", "-c", "ulimit -Sn 256 && exec \"$@\"", "sh"};
  ServerProcess server({"--data-dir", dir.path(), "--port", "0", "--max-clients", "76"}, {}, soft);
  server.WaitForPort();
  CHECK(ReadFile("/proc/" + std::to_string(server.pid()) + "/limits").find("1100") !=
        std::string::npos);
}

TEST_CASE("a port that is taken is named") {
  const libkv::TempDir dir;
  ServerProcess first({"--data-dir", dir.path("first"), "--port", "0"});
  const std::string port = std::to_string(first.WaitForPort());
  const Refusal refusal = Refused({"--data-dir", dir.path("second"), "--port", port});
  CHECK(refusal.code == 1);
  CHECK(refusal.text.find("port " + port + " on 127.0.0.1 is taken") != std::string::npos);
  TestClient client(static_cast<uint16_t>(std::stoi(port)));
  CHECK(client.Ask({"PING"}) == "+PONG\r\n");
}

TEST_CASE("a directory that is in use is refused with the process that holds it") {
  const libkv::TempDir dir;
  ServerProcess first({"--data-dir", dir.path(), "--port", "0"});
  const uint16_t port = first.WaitForPort();
  const Refusal refusal = Refused({"--data-dir", dir.path(), "--port", "0"});
  CHECK(refusal.code == 1);
  CHECK(refusal.text.find(dir.path()) != std::string::npos);
  CHECK_MESSAGE(refusal.text.find(std::to_string(first.pid())) != std::string::npos, refusal.text);
  TestClient client(port);
  CHECK(client.Ask({"SET", "a", "1"}) == "+OK\r\n");
  // It is free again as soon as that process has ended, however it ended.
  CHECK(first.End(SIGKILL) == 128 + SIGKILL);
  ServerProcess third({"--data-dir", dir.path(), "--port", "0"});
  TestClient again(third.WaitForPort());
  CHECK(again.Ask({"GET", "a"}) == "$1\r\n1\r\n");
}

}  // namespace kvserver
