// The nodes of a cluster as --peers names them.
//
//   1@10.0.0.1:7511,2@10.0.0.2:7511,3@db3.example:7511
//
// Each with its --node-id, a name or an IP address (IPv6 in brackets), and its port for peers. A
// node's own entry may be among them, so that all nodes can be given the same list: then it says
// where this node listens.
//
//   7511,7512,7513
//
// Ports alone: nodes on 127.0.0.1. Their ids are their places in the list, from 1: all nodes can be
// given the same list. A node that was given its port otherwise may stand in the list, at the place
// of its id, or be left out, and then its id is left out of the counting: node 2 of three takes
// 7511,7513 for node 1 and node 3.
#ifndef KVSERVER_SRC_SERVER_PEERS_H_
#define KVSERVER_SRC_SERVER_PEERS_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cluster/dot.h"
#include "net/peer_address.h"

namespace kvserver {

struct PeerList {
  std::vector<PeerAddress> others;  // by id, ascending
  std::optional<PeerAddress> self;  // the own entry, if there is one
};

// `own_port`: the port for peers that was given otherwise; 0: none was, so the list names it.
// InvalidArgument: the text says which entry is wrong, and what is right; an id or an address
// twice; the own entry with another port than `own_port`; more nodes than a cluster may have. An
// empty text: no others.
absl::StatusOr<PeerList> ParsePeers(std::string_view text, cluster::Slot own_id, uint16_t own_port);

// "1" to "4294967295"; only numbers can be ids in a cluster. InvalidArgument: something else.
absl::StatusOr<cluster::Slot> ParseNodeId(std::string_view text);

}  // namespace kvserver

#endif  // KVSERVER_SRC_SERVER_PEERS_H_
