// INFO, CONFIG, SLOWLOG, MONITOR and the rest of what is asked of a server.
#include <doctest/doctest.h>

#include <map>
#include <sstream>
#include <string>
#include <thread>

#include "kvserver/support/test_server.h"

namespace kvserver {
namespace {

std::string Bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

// The lines "name:value" of INFO.
std::map<std::string, std::string> Fields(const std::string& info) {
  std::map<std::string, std::string> fields;
  std::istringstream lines(info);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || line[0] == '#') continue;
    fields[line.substr(0, colon)] = line.substr(colon + 1, line.size() - colon - 2);
  }
  return fields;
}

}  // namespace

TEST_CASE("INFO has the fields that clients and tools look for") {
  TestServer server;
  TestClient client(server.port());
  for (int i = 0; i < 5; ++i) client.Ask({"SET", "a", "1"});
  client.Ask({"GET", "a"});
  client.Ask({"GET", "b"});
  client.Ask({"NOSUCH"});
  auto fields = Fields(client.Ask({"INFO"}));
  CHECK(fields["redis_version"].starts_with("7."));
  CHECK(fields["redis_mode"] == "standalone");
  CHECK(fields["role"] == "master");
  CHECK(fields["loading"] == "0");
  CHECK(fields["cluster_enabled"] == "0");
  CHECK(fields["connected_slaves"] == "0");
  CHECK(fields["run_id"].size() == 40);
  CHECK(fields["tcp_port"] == std::to_string(server.port()));
  CHECK(fields["connected_clients"] == "1");
  CHECK(fields["total_connections_received"] == "1");
  CHECK(fields["keyspace_hits"] == "1");
  CHECK(fields["keyspace_misses"] == "1");
  CHECK(fields["errorstat_ERR"] == "count=1");
  CHECK(fields["db0"] == "keys=1,expires=0,avg_ttl=0");
  CHECK(fields["kv_turns"] == "5");
  CHECK(fields["kv_durability"] == "synced");
  for (const char* const name :
       {"kv_version", "used_memory", "used_memory_rss", "maxmemory", "kv_commits", "kv_writes",
        "kv_syncs", "total_net_input_bytes", "total_net_output_bytes", "used_cpu_user"}) {
    CHECK_MESSAGE(fields.contains(name), name);
    CHECK_MESSAGE(fields[name] != "0", name);
  }
}

TEST_CASE("INFO with names answers those sections only") {
  TestServer server;
  TestClient client(server.port());
  CHECK(client.Ask({"INFO", "nosuch"}) == "$0\r\n\r\n");
  CHECK(client.Ask({"INFO", "CLUSTER", "modules"}) ==
        Bulk("# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n"));
  CHECK(client.Ask({"INFO", "everything"}).find("# Keyspace") != std::string::npos);
  client.Ask({"HELLO", "3"});
  CHECK(client.Ask({"INFO", "cluster"}) == "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n");
}

TEST_CASE("CONFIG SET changes all of its settings or none") {
  TestServer server;
  TestClient client(server.port());
  CHECK(client.Ask({"CONFIG", "SET", "timeout", "7", "databases", "2"})[0] == '-');
  CHECK(client.Ask({"CONFIG", "GET", "timeout"}) == "*2\r\n" + Bulk("timeout") + Bulk("0"));
  CHECK(client.Ask({"CONFIG", "SET", "TIMEOUT", "7", "slowlog-max-len", "9"}) == "+OK\r\n");
  CHECK(client.Ask({"CONFIG", "GET", "time*", "slowlog-m?x-len", "nosuch"}) ==
        "*4\r\n" + Bulk("slowlog-max-len") + Bulk("9") + Bulk("timeout") + Bulk("7"));
  CHECK(server.node().settings().idle_timeout_seconds == 7);
  client.Ask({"HELLO", "3"});
  CHECK(client.Ask({"CONFIG", "GET", "save"}) == "%1\r\n" + Bulk("save") + Bulk(""));
}

TEST_CASE("CONFIG SET durability is that of connections that come later") {
  TestServer server;
  TestClient client(server.port());
  CHECK(client.Ask({"CONFIG", "SET", "durability", "written"}) == "+OK\r\n");
  CHECK(client.Ask({"CLIENT", "DURABILITY"}) == Bulk("synced"));
  CHECK(client.Ask({"CONFIG", "GET", "appendfsync"}) ==
        "*2\r\n" + Bulk("appendfsync") + Bulk("no"));
  TestClient later(server.port());
  CHECK(later.Ask({"CLIENT", "DURABILITY"}) == Bulk("written"));
}

TEST_CASE("CONFIG RESETSTAT lets the counters begin anew") {
  TestServer server;
  TestClient client(server.port());
  client.Ask({"NOSUCH"});
  CHECK(client.Ask({"CONFIG", "RESETSTAT"}) == "+OK\r\n");
  auto fields = Fields(client.Ask({"INFO", "stats", "errorstats"}));
  CHECK(fields["total_commands_processed"] == "1");
  CHECK(fields["total_error_replies"] == "0");
  CHECK_FALSE(fields.contains("errorstat_ERR"));
}

TEST_CASE("the slow log keeps the newest requests over the limit") {
  TestServer server({.slow_log_us = -1});
  TestClient client(server.port());
  client.Ask({"CLIENT", "SETNAME", "me"});
  client.Ask({"GET", "a"});
  CHECK(client.Ask({"SLOWLOG", "LEN"}) == ":0\r\n");
  client.Ask({"CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "2"});
  client.Ask({"AUTH", "default", "secret"});
  client.Ask({"GET", "b"});
  client.Ask({"GET", "c"});
  client.Ask({"CONFIG", "SET", "slowlog-log-slower-than", "-1"});
  CHECK(client.Ask({"SLOWLOG", "LEN"}) == ":2\r\n");
  const std::string log = client.Ask({"SLOWLOG", "GET", "1"});
  CHECK(log.starts_with("*1\r\n*6\r\n:"));
  CHECK(log.find("*2\r\n$3\r\nGET\r\n$1\r\nc\r\n") != std::string::npos);
  CHECK(log.ends_with("$2\r\nme\r\n"));
  CHECK(client.Ask({"SLOWLOG", "GET", "-1"}).find("secret") == std::string::npos);
  CHECK(client.Ask({"SLOWLOG", "RESET"}) == "+OK\r\n");
  CHECK(client.Ask({"SLOWLOG", "GET"}) == "*0\r\n");
}

TEST_CASE("MONITOR shows what others ask, without secrets, until RESET") {
  TestServer server({.io_threads = 2});
  TestClient monitor(server.port()), client(server.port());
  CHECK(monitor.Ask({"MONITOR"}) == "+OK\r\n");
  client.Ask({"AUTH", "default", "secret"});
  client.Ask({"CONFIG", "GET", "save"});
  client.Ask({"SET", "a\"b", std::string("\0\n\xff", 3)});
  const std::string line = monitor.ReadLine();
  CHECK(line[0] == '+');
  CHECK(line.find(" [0 127.0.0.1:") != std::string::npos);
  CHECK(line.ends_with("] \"SET\" \"a\\\"b\" \"\\x00\\n\\xff\"\r\n"));
  CHECK(client.Ask({"CLIENT", "LIST"}).find(" flags=O ") != std::string::npos);
  // RESET itself is shown still; nothing after it.
  monitor.Send(RespRequest({"RESET"}));
  for (int i = 0; i < 2; ++i) {
    const std::string reply = monitor.ReadLine();
    CHECK((reply == "+RESET\r\n" || reply.ends_with("\"RESET\"\r\n")));
  }
  client.Ask({"GET", "a"});
  CHECK(monitor.Ask({"PING"}) == "+PONG\r\n");
}

TEST_CASE("MEMORY USAGE grows with the value; a key that is not there has none") {
  TestServer server;
  TestClient client(server.port());
  client.Ask({"SET", "a", "1"});
  client.Ask({"SET", "b", std::string(1'000, 'x')});
  const auto usage = [&](const std::string& key) {
    return std::stoi(client.Ask({"MEMORY", "USAGE", key, "SAMPLES", "0"}).substr(1));
  };
  CHECK(usage("b") - usage("a") == 999);
  CHECK(client.Ask({"MEMORY", "USAGE", "none"}) == "$-1\r\n");
}

TEST_CASE("SAVE and BGSAVE move the log into tables, and LASTSAVE tells when") {
  TestServer server;
  TestClient client(server.port());
  client.Ask({"SET", "a", "1"});
  server.node().last_save_seconds = 1;
  CHECK(client.Ask({"LASTSAVE"}) == ":1\r\n");
  CHECK(client.Ask({"SAVE"}) == "+OK\r\n");
  CHECK(client.Ask({"LASTSAVE"}) != ":1\r\n");
  CHECK(client.Ask({"BGSAVE", "SCHEDULE"}) == "+Background saving started\r\n");
  CHECK(client.Ask({"GET", "a"}) == Bulk("1"));
  client.Ask({"MULTI"});
  CHECK(client.Ask({"SAVE"})[0] == '-');
}

TEST_CASE("what asks for replicas, modules, functions and users finds none, or the one") {
  TestServer server;
  TestClient client(server.port());
  CHECK(client.Ask({"ROLE"}) == "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
  CHECK(client.Ask({"WAIT", "3", "0"}) == ":0\r\n");
  CHECK(client.Ask({"MODULE", "LIST"}) == "*0\r\n");
  CHECK(client.Ask({"FUNCTION", "LIST"}) == "*0\r\n");
  CHECK(client.Ask({"ACL", "WHOAMI"}) == Bulk("default"));
  CHECK(client.Ask({"LOLWUT"}).find("kvserver ver. ") != std::string::npos);
}

}  // namespace kvserver
