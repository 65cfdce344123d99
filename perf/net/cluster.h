// A ServerCluster is the nodes of one database, ours or a rival's, started on free ports of
// 127.0.0.1 in folders of their own.
#ifndef LIBKV_PERF_NET_CLUSTER_H_
#define LIBKV_PERF_NET_CLUSTER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/server_process.h"

namespace libkv::perf {

struct ServerCluster {
  std::vector<std::unique_ptr<ServerProcess>> servers;
  // Where clients go: to all nodes of kvserver, to the leader of etcd, to the master of Redis.
  std::vector<uint16_t> ports;

  double cpu_seconds() const;  // of all nodes that run
  uint16_t port(size_t server) const { return servers[server]->port(); }
};

// Below `directory`, which need not exist. Each waits until all nodes serve, half a minute at most.
// std::runtime_error: they do not.
ServerCluster StartKvservers(const std::string& program, const std::string& directory, size_t nodes,
                             const std::vector<std::string>& options = {});
ServerCluster StartEtcd(const std::string& program, const std::string& directory);
// A master and a replica. Both sync every write.
ServerCluster StartRedis(const std::string& program, const std::string& directory);

// What KV.CLUSTER tells.
struct KvPeer {
  uint64_t node_id = 0, bytes = 0;  // in both directions
  bool is_connected = false;
};
struct KvStatus {
  std::string state, clock_hash;
  uint64_t log_dots = 0, clock_intervals = 0, pulled = 0;
  std::vector<KvPeer> peers;
};
KvStatus ReadKvStatus(uint16_t port);
std::string ReadKvFingerprint(uint16_t port);
// A number of KV.STATS.
uint64_t ReadKvStat(uint16_t port, const std::string& name);
// The strings and numbers of a reply, as deep as they are.
std::vector<std::string> AskWords(uint16_t port, const std::vector<std::string_view>& request);
// Until all are ready and have the same clock: seconds since `start`. What they hold is compared
// afterwards. std::runtime_error: not within ten minutes, or the fingerprints differ.
double WaitUntilEqual(const ServerCluster& cluster, std::chrono::steady_clock::time_point start =
                                                        std::chrono::steady_clock::now());

}  // namespace libkv::perf

#endif  // LIBKV_PERF_NET_CLUSTER_H_
