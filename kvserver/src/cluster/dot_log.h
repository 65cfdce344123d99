// The DotLog knows which key a dot has written: what makes anti-entropy a question for the keys
// that differ, and no more. It is also the only trace that a delete leaves.
//
// A dot is forgotten as soon as every node has it on disk. In memory, with one row on disk for each
// turn that has brought new dots (its owner writes and deletes these rows).
//
// Also: which writes were one unit, and that some dots have no effect and no key.
#ifndef KVSERVER_SRC_CLUSTER_DOT_LOG_H_
#define KVSERVER_SRC_CLUSTER_DOT_LOG_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/functional/function_ref.h"
#include "cluster/actor_table.h"
#include "cluster/dot.h"
#include "cluster/dot_set.h"

namespace kvserver::cluster {

class DotLog {
 public:
  struct Entry {
    Dot dot;
    std::string key;  // empty: without effect
    // The unit that the dot is of: [unit_first, unit_first + unit_writes) of its actor.
    uint64_t unit_first = 0;
    uint32_t unit_writes = 1;
  };

  // Dots that are there already stay as they are.
  void Add(uint64_t turn, const Entry& entry);

  // The dots [first, first + writes) are one unit.
  void SetUnit(const Dot& first, uint32_t writes);

  size_t size() const { return size_; }
  const DotSet& dots() const { return dots_; }

  struct Found {
    const std::string* key;  // null: without effect
    uint64_t unit_first;
    uint32_t unit_writes;
  };
  // False: not there.
  bool Find(const Dot& dot, Found* found) const;
  // The dots of `key`, in the order they came. The view lives until the log changes.
  std::span<const Dot> DotsOf(std::string_view key) const;

  // Those dots of `key` that no other write here has overwritten: the live ones, and deletes. Dots
  // that came with an object are among them until the next write.
  std::span<const Dot> HeadsOf(std::string_view key) const;
  // Those that a new write has seen are heads no more. To be called before it is added.
  void DropHeads(std::string_view key, absl::FunctionRef<bool(const Dot&)> is_seen);

  // The requests of several writes, of which something is here; some twice.
  void ForEachUnit(absl::FunctionRef<void(const Dot& first, uint32_t writes)> visit) const;

  // Forgets the dots that are in `stable`; the turns of which nothing is left are added to `gone`.
  void Forget(const DotSet& stable, std::vector<uint64_t>* gone);
  // Forgets the oldest turns until no more than so many dots are left.
  void Truncate(size_t dots_max, std::vector<uint64_t>* gone);

  // The row of a turn: see kvserver/doc/replication.md.
  static void AppendRow(std::string& out, const std::vector<Entry>& entries, ActorTable& actors);
  // Adds its entries; false: malformed.
  bool LoadRow(uint64_t turn, std::string_view row, const ActorTable& actors);

 private:
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const;
  };
  // Dots mostly go in the order they came: the gone ones are in front.
  struct DotList {
    std::vector<Dot> dots;
    size_t begin = 0;
    std::vector<Dot> heads;
  };
  // Keys stay where they are while a dot names them.
  using Keys = absl::node_hash_map<std::string, DotList, KeyHash, std::equal_to<>>;
  struct Logged {
    Keys::value_type* key;  // null: without effect
    uint64_t turn;
    uint64_t unit_first;
    uint32_t unit_writes;
  };

  using Counters = std::map<uint64_t, Logged>;

  Counters::iterator Remove(Actor actor, Counters& counters, Counters::iterator at,
                            std::vector<uint64_t>* gone, DotSet* removed);

  Keys keys_;
  std::map<Actor, Counters> entries_;
  struct Turn {
    std::vector<Dot> dots;
    size_t left = 0;  // of them
  };
  std::map<uint64_t, Turn> turns_;
  DotSet dots_;
  size_t size_ = 0;
};

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_DOT_LOG_H_
