// A NodeClient asks any node of a ProcessCluster, over RESP, and says of every request what is
// known of its effect.
//
// Threads    One.
#ifndef TESTS_KVSERVER_CLUSTER_PROCESS_NODE_CLIENT_H_
#define TESTS_KVSERVER_CLUSTER_PROCESS_NODE_CLIENT_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kvclient/client.h"
#include "kvserver/cluster_process/process_cluster.h"

namespace kvserver::cluster_process {

enum class Outcome : uint8_t {
  kOk,       // acknowledged, or read
  kRefused,  // it has no effect, ever
  kUnknown,  // it may have had one, or have it later
};

struct Answer {
  Outcome outcome = Outcome::kRefused;
  std::optional<std::string> value = {};             // of a read; none: there is no such key
  std::vector<std::optional<std::string>> all = {};  // of several
  int64_t number = 0;                                // of INCR and DEL
  std::string error = {};
};

class NodeClient {
 public:
  NodeClient(const ProcessCluster& cluster, std::chrono::milliseconds request_longest)
      : cluster_(cluster), longest_(request_longest) {}

  Answer Set(int node, std::string_view key, std::string_view value);
  Answer Get(int node, std::string_view key);
  Answer Delete(int node, std::string_view key);
  Answer Increment(int node, std::string_view key);
  // The same value for both, all or nothing.
  Answer SetPair(int node, std::string_view first, std::string_view second, std::string_view value,
                 std::string_view command);
  Answer GetAll(int node, const std::vector<std::string>& keys);
  Answer Ask(int node, std::span<const std::string_view> arguments, kvclient::Reply* reply);
  Answer Ask(int node, std::initializer_list<std::string_view> arguments, kvclient::Reply* reply) {
    return Ask(node, std::span(arguments.begin(), arguments.size()), reply);
  }

 private:
  struct Connection {
    uint16_t port = 0;
    kvclient::Client client;
  };

  const ProcessCluster& cluster_;
  const std::chrono::milliseconds longest_;
  std::map<int, Connection> connections_;
};

}  // namespace kvserver::cluster_process

#endif  // TESTS_KVSERVER_CLUSTER_PROCESS_NODE_CLIENT_H_
