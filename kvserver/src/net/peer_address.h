// Where a node of the cluster listens for its peers.
#ifndef KVSERVER_SRC_NET_PEER_ADDRESS_H_
#define KVSERVER_SRC_NET_PEER_ADDRESS_H_

#include <cstdint>
#include <string>

#include "cluster/dot.h"

namespace kvserver {

struct PeerAddress {
  cluster::Slot id = 0;  // its --node-id
  std::string host;      // a name or an IP address, without brackets
  uint16_t port = 0;

  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_PEER_ADDRESS_H_
