// A DotSet is a set of dots: what a node has seen, or what a client has seen of a key.
//
// Dots come in runs, so it keeps intervals of counters for each actor: three nodes without losses
// are three intervals. Actors whose dots are the same at every node, for ever, are settled: one
// number per node, the greatest settled generation, stands for all their dots.
//
// Union is commutative, associative and idempotent.
#ifndef KVSERVER_SRC_CLUSTER_DOT_SET_H_
#define KVSERVER_SRC_CLUSTER_DOT_SET_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "cluster/dot.h"

namespace kvserver::cluster {

class DotSet {
 public:
  // Of one encoded set. A longer one is refused by Decode.
  static constexpr size_t kEncodedBytesMax = size_t{4} << 20;

  bool empty() const { return settled_.empty() && intervals_.empty(); }
  bool Has(const Dot& dot) const;
  bool HasAll(const DotSet& other) const;  // `other` is a subset

  void Add(const Dot& dot) { AddRange(dot.actor, dot.counter, dot.counter); }
  void AddRange(Actor actor, uint64_t first, uint64_t last);  // both included
  void AddAll(const DotSet& other);

  // All dots of the node's actors up to this generation.
  void Settle(Slot slot, uint64_t generation);
  uint64_t settled(Slot slot) const;  // 0: none

  // What is in here and not in `other`. Of settled generations either all stay or none: all, if
  // `other` has settled fewer of them, even those that it has.
  DotSet Minus(const DotSet& other) const;
  // What is in both, of the dots that are intervals here; without what is only settled here.
  DotSet Intersect(const DotSet& other) const;

  // The intervals, by actor, then counter; without what is settled.
  struct Interval {
    Actor actor;
    uint64_t first, last;
  };
  void ForEachInterval(absl::FunctionRef<void(const Interval&)> visit) const;
  // The intervals of here that are not in `other`.
  void ForEachMissing(const DotSet& other, absl::FunctionRef<void(const Interval&)> visit) const;
  void ForEachSettled(absl::FunctionRef<void(Slot, uint64_t generation)> visit) const;
  // The actors with intervals, ascending.
  std::vector<Actor> actors() const;
  // The dots of one actor as a set of its own.
  DotSet Only(Actor actor) const;
  size_t interval_count() const;
  // How many dots the intervals have; the greatest number there is if more.
  uint64_t dot_count() const;

  // The grammar is in kvserver/doc/replication.md. Equal sets have equal bytes.
  void AppendTo(std::string& out) const;
  std::string Encode() const;
  // Reads one set from the front of `in` and removes it; false: not one, too long, or not in the
  // form that AppendTo writes.
  bool DecodeFrom(std::string_view& in);
  uint64_t Hash() const;

  friend bool operator==(const DotSet&, const DotSet&) = default;

 private:
  // Disjoint, apart by at least one counter, ascending.
  struct Run {
    uint64_t first, last;
    friend bool operator==(const Run&, const Run&) = default;
  };
  using Runs = std::vector<Run>;

  static void Insert(Runs& runs, Run run);
  static bool Covers(const Runs& runs, Run run);
  void DropSettled();

  std::map<Slot, uint64_t> settled_;
  std::map<Actor, Runs> intervals_;  // none empty, none settled
};

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_DOT_SET_H_
