// Actors as short numbers: a stamp has one byte for its actor instead of twelve. The numbers are of
// this node alone, and are never used again.
#ifndef KVSERVER_SRC_CLUSTER_ACTOR_TABLE_H_
#define KVSERVER_SRC_CLUSTER_ACTOR_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "cluster/dot.h"

namespace kvserver::cluster {

class ActorTable {
 public:
  // Gives the next number to an actor that has none.
  uint32_t IndexOf(Actor actor) {
    const auto [found, is_new] = indexes_.emplace(actor, static_cast<uint32_t>(actors_.size()));
    if (is_new) actors_.push_back(actor);
    return found->second;
  }
  std::optional<Actor> At(uint64_t index) const {
    if (index >= actors_.size()) return std::nullopt;
    return actors_[index];
  }
  size_t size() const { return actors_.size(); }

 private:
  std::vector<Actor> actors_;
  std::map<Actor, uint32_t> indexes_;
};

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_ACTOR_TABLE_H_
