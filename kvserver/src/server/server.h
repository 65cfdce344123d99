// The Server wires everything: a store, the node around it, threads, protocols, a port.
#ifndef KVSERVER_SRC_SERVER_SERVER_H_
#define KVSERVER_SRC_SERVER_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "command/node.h"
#include "net/io_thread.h"
#include "net/listener.h"
#include "net/protocol_maker.h"
#include "net/workers.h"
#include "server/config.h"
#include "server/log.h"
#include "server/peering.h"

namespace kvserver {

class Server {
 public:
  // Opens the store and the port; clients that connect from now on are answered. The status names
  // what is wrong and what to do: the port is taken, the directory is in use by another process.
  // `log` may be null, and outlives the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Config& config, Log* log = nullptr);

  // Answers what was received, stores it, closes.
  ~Server();

  uint16_t port() const { return listener_->port(); }
  const Peering* peering() const { return peering_.get(); }  // null: the node runs alone
  Node& node() { return *node_; }

 private:
  Server() = default;

  std::unique_ptr<libkv::Store> store_;
  ProtocolMaker protocols_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<Peering> peering_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_SERVER_SERVER_H_
