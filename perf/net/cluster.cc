#include "net/cluster.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>

#include "net/load.h"
#include "support/loopback.h"

namespace libkv::perf {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartMax{30};
constexpr std::chrono::minutes kEqualMax{10};
constexpr useconds_t kPollUs = 2'000;

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void WaitUntil(Clock::duration longest, const std::string& what,
               const std::function<bool()>& is_true) {
  const Clock::time_point end = Clock::now() + longest;
  while (!is_true()) {
    if (Clock::now() > end) throw std::runtime_error("too slow: " + what);
    usleep(kPollUs);
  }
}

void AppendWords(std::string_view& rest, std::vector<std::string>& words) {
  const size_t end = rest.find("\r\n");
  const char type = rest[0];
  const std::string line(rest.substr(1, end - 1));
  rest.remove_prefix(end + 2);
  if (type == '*') {
    for (long i = std::atol(line.c_str()); i > 0; --i) AppendWords(rest, words);
  } else if (type == '$' && line[0] != '-') {
    const size_t bytes = std::strtoull(line.c_str(), nullptr, 10);
    words.emplace_back(rest.substr(0, bytes));
    rest.remove_prefix(bytes + 2);
  } else {
    words.push_back(line);
  }
}

// The word after `name`, from `from` on.
std::string After(const std::vector<std::string>& words, const std::string& name, size_t from = 0) {
  for (size_t i = from; i + 1 < words.size(); ++i) {
    if (words[i] == name) return words[i + 1];
  }
  throw std::runtime_error("no " + name + " in a reply");
}

uint64_t NumberAfter(const std::vector<std::string>& words, const std::string& name,
                     size_t from = 0) {
  return std::strtoull(After(words, name, from).c_str(), nullptr, 10);
}

bool IsWhole(uint16_t port) {
  const KvStatus status = ReadKvStatus(port);
  for (const KvPeer& peer : status.peers) {
    if (!peer.is_connected) return false;
  }
  return status.state == "ready";
}

// What the value of a text member of a flat JSON object is.
std::string JsonText(const std::string& json, const std::string& name) {
  const size_t at = json.find("\"" + name + "\":\"");
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 4;
  return json.substr(begin, json.find('"', begin) - begin);
}

bool LeadsEtcd(uint16_t port) {
  const std::string reply =
      Ask(port,
          "POST /v3/maintenance/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
          HttpDialect({}));
  const std::string leader = JsonText(reply, "leader");
  return !leader.empty() && leader == JsonText(reply, "member_id");
}

}  // namespace

double ServerCluster::cpu_seconds() const {
  double sum = 0;
  for (const auto& server : servers) {
    if (server->pid() != 0) sum += server->cpu_seconds();
  }
  return sum;
}

ServerCluster StartKvservers(const std::string& program, const std::string& directory, size_t nodes,
                             const std::vector<std::string>& options) {
  std::filesystem::remove_all(directory);
  std::string peers;
  for (const uint16_t port : FreePorts(nodes)) {
    peers += (peers.empty() ? "" : ",") + std::to_string(port);
  }
  ServerCluster cluster;
  for (size_t i = 1; i <= nodes; ++i) {
    std::vector<std::string> argv = {program, "--port", "{port}", "--data-dir", "{dir}/store"};
    if (nodes > 1) {
      argv.insert(argv.end(), {"--node-id", std::to_string(i), "--peers", peers});
    }
    argv.insert(argv.end(), options.begin(), options.end());
    cluster.servers.push_back(
        std::make_unique<ServerProcess>(argv, directory + "/" + std::to_string(i)));
    cluster.ports.push_back(cluster.servers.back()->port());
  }
  if (nodes > 1) {
    for (const uint16_t port : cluster.ports) {
      WaitUntil(kStartMax, "kvserver", [&] { return IsWhole(port); });
    }
  }
  return cluster;
}

ServerCluster StartEtcd(const std::string& program, const std::string& directory) {
  std::filesystem::remove_all(directory);
  const std::vector<uint16_t> peer_ports = FreePorts(3);
  const auto url = [](const std::string& port) { return "http://127.0.0.1:" + port; };
  std::string members;
  for (size_t i = 0; i < 3; ++i) {
    members += (i == 0 ? "n" : ",n") + std::to_string(i) + "=" + url(std::to_string(peer_ports[i]));
  }
  ServerCluster cluster;
  for (size_t i = 0; i < 3; ++i) {
    const std::string peer = url(std::to_string(peer_ports[i]));
    cluster.servers.push_back(std::make_unique<ServerProcess>(
        std::vector<std::string>{program, "--name", "n" + std::to_string(i), "--data-dir",
                                 "{dir}/data", "--listen-client-urls", url("{port}"),
                                 "--advertise-client-urls", url("{port}"), "--listen-peer-urls",
                                 peer, "--initial-advertise-peer-urls", peer, "--initial-cluster",
                                 members, "--log-level", "error"},
        directory + "/" + std::to_string(i)));
  }
  WaitUntil(kStartMax, "etcd", [&] {
    for (const auto& server : cluster.servers) {
      if (LeadsEtcd(server->port())) cluster.ports = {server->port()};
    }
    return !cluster.ports.empty();
  });
  return cluster;
}

ServerCluster StartRedis(const std::string& program, const std::string& directory) {
  std::filesystem::remove_all(directory);
  ServerCluster cluster;
  const auto start = [&](const std::string& name, const std::vector<std::string>& options) {
    std::vector<std::string> argv = {program, "--port",        "{port}", "--bind", "127.0.0.1",
                                     "--dir", "{dir}",         "--save", "",       "--appendonly",
                                     "yes",   "--appendfsync", "always"};
    argv.insert(argv.end(), options.begin(), options.end());
    cluster.servers.push_back(std::make_unique<ServerProcess>(argv, directory + "/" + name));
  };
  start("master", {"--repl-diskless-sync-delay", "0"});
  cluster.ports = {cluster.port(0)};
  start("replica", {"--replicaof", "127.0.0.1", std::to_string(cluster.port(0))});
  std::string request;
  AppendResp(request, {"INFO", "replication"});
  WaitUntil(kStartMax, "redis", [&] {
    return Ask(cluster.port(0), request, RespDialect({})).find("state=online") != std::string::npos;
  });
  return cluster;
}

std::vector<std::string> AskWords(uint16_t port, const std::vector<std::string_view>& request) {
  std::string bytes;
  AppendResp(bytes, request);
  const std::string reply = Ask(port, bytes, RespDialect({}));
  std::string_view rest = reply;
  std::vector<std::string> words;
  AppendWords(rest, words);
  return words;
}

KvStatus ReadKvStatus(uint16_t port) {
  const std::vector<std::string> words = AskWords(port, {"KV.CLUSTER"});
  KvStatus status;
  status.state = After(words, "state");
  status.clock_hash = After(words, "clock_hash");
  status.log_dots = NumberAfter(words, "log_dots");
  status.clock_intervals = NumberAfter(words, "clock_intervals");
  status.pulled = NumberAfter(words, "pulled_objects");
  for (size_t i = 2; i < words.size(); ++i) {  // beyond the node's own id
    if (words[i] != "node_id") continue;
    status.peers.push_back(
        {.node_id = NumberAfter(words, "node_id", i),
         .bytes = NumberAfter(words, "bytes_in", i) + NumberAfter(words, "bytes_out", i),
         .is_connected = After(words, "connected", i) == "1"});
  }
  return status;
}

std::string ReadKvFingerprint(uint16_t port) {
  return After(AskWords(port, {"KV.FINGERPRINT"}), "fingerprint");
}

uint64_t ReadKvStat(uint16_t port, const std::string& name) {
  return NumberAfter(AskWords(port, {"KV.STATS"}), name);
}

double WaitUntilEqual(const ServerCluster& cluster, Clock::time_point start) {
  WaitUntil(kEqualMax, "convergence", [&] {
    const KvStatus first = ReadKvStatus(cluster.port(0));
    for (size_t i = 1; i < cluster.servers.size(); ++i) {
      const KvStatus status = ReadKvStatus(cluster.port(i));
      if (status.clock_hash != first.clock_hash || status.state != "ready") return false;
    }
    return true;
  });
  const double seconds = Since(start);
  const std::string first = ReadKvFingerprint(cluster.port(0));
  for (size_t i = 1; i < cluster.servers.size(); ++i) {
    if (ReadKvFingerprint(cluster.port(i)) != first) {
      throw std::runtime_error("nodes with equal clocks hold different keys");
    }
  }
  return seconds;
}

}  // namespace libkv::perf
