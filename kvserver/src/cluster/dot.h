// Names of writes. A node that takes a write gives it a dot: its own actor and the next number.
//
// An actor is one run of one node: a process that starts, with whatever is left on its disk, is a
// new actor. So a dot is never given twice, whatever was lost, and no counter has to be on disk
// before it is used.
#ifndef KVSERVER_SRC_CLUSTER_DOT_H_
#define KVSERVER_SRC_CLUSTER_DOT_H_

#include <compare>
#include <cstdint>

namespace kvserver::cluster {

using Slot = uint32_t;  // the number of a node, --node-id

struct Actor {
  Slot slot = 0;
  uint64_t generation = 0;  // greater in every run of the node

  friend auto operator<=>(const Actor&, const Actor&) = default;
};

struct Dot {
  Actor actor;
  uint64_t counter = 0;  // from 1

  friend auto operator<=>(const Dot&, const Dot&) = default;
};

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_DOT_H_
