// Peering connects the node to the others of its cluster: it starts replication, gives what comes
// from the network to it and what it sends to the network, and lets time pass for it.
#ifndef KVSERVER_SRC_SERVER_PEERING_H_
#define KVSERVER_SRC_SERVER_PEERING_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "command/node.h"
#include "net/peer_network.h"
#include "server/log.h"

namespace kvserver {

// What a node is told of its cluster. No `members`: it runs alone.
struct ClusterConfig {
  std::string name = "kv";
  cluster::Slot self = 0;
  std::string address = "127.0.0.1";  // listened on for peers
  uint16_t port = 0;                  // 0: one that is free
  std::vector<PeerAddress> others;
  Replication::Options replication;
  std::vector<SpaceDefinition> spaces;  // that are to be there: SharedSpaces::Start
  double skip_sync = 0;  // the part of the commits that are not synced, to learn from
  bool is_member = false;
};

class Peering {
 public:
  // Unavailable: the port is taken. FailedPrecondition: the directory is not one of this node.
  // `log` may be null.
  static absl::StatusOr<std::unique_ptr<Peering>> Start(const ClusterConfig& config,
                                                        libkv::Store& store, Node& node, Log* log);
  ~Peering();

  uint16_t port() const { return network_->port(); }
  const PeerNetwork& network() const { return *network_; }

 private:
  Peering() = default;
  void Run();
  void Wake();

  Node* node_ = nullptr;
  Log* log_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_woken_ = false, is_stopping_ = false;
  std::unique_ptr<PeerNetwork> network_;
  std::thread ticker_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_SERVER_PEERING_H_
