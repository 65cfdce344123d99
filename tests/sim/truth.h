// The model of truth: every write of a run, what its writer had seen, and whether it was
// acknowledged. Checks compare what replicas show with it.
//
// What a write had seen is transitive here, whatever the replicas remember of it: a write has seen
// all that the writes it has seen had seen. Increments have seen only what they took over.
#ifndef LIBKV_TESTS_SIM_TRUTH_H_
#define LIBKV_TESTS_SIM_TRUTH_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cluster/replica.h"
#include "sim/bits.h"

namespace kvserver::sim {

using WriteId = size_t;

struct TruthWrite {
  cluster::Dot dot;
  size_t key = 0;
  size_t place = 0;  // in the writes of its key
  size_t unit = 0;
  bool is_delete = false;
  cluster::Kind kind = cluster::Kind::kRegister;
  std::string value;  // of a counter the partial sum
  std::vector<float> vector;
  int64_t amount = 0;
  int64_t expiry = 0;            // 0: never
  Bits seen;                     // places: what it overwrites
  Bits members;                  // places of a counter: the increments in its partial sum
  bool is_acknowledged = false;  // by one node at least
  uint64_t quorum_time = 0;      // acknowledgements when a majority had given theirs; 0: not yet
};

struct TruthUnit {
  std::vector<WriteId> writes;
};

class Truth {
 public:
  explicit Truth(size_t keys) : by_key_(keys) {}

  // `context`: what the writer had seen of the key, for all that is no increment.
  // `before`, `after`: the versions at the writer, whose clock says `now_ms`. "": as it should be.
  std::string Add(TruthWrite write, const cluster::DotSet& context,
                  const std::vector<cluster::Version>& before,
                  const std::vector<cluster::Version>& after, int64_t now_ms, WriteId* id);
  size_t AddUnit(std::vector<WriteId> writes);
  void Acknowledge(WriteId id, bool by_quorum);

  const TruthWrite& at(WriteId id) const { return writes_[id]; }
  size_t size() const { return writes_.size(); }
  const std::vector<WriteId>& of_key(size_t key) const { return by_key_[key]; }
  const std::vector<TruthUnit>& units() const { return units_; }
  const TruthWrite* Find(const cluster::Dot& dot) const;
  uint64_t now() const { return acknowledgements_; }

  // A clock that settles actors has all their dots, even those that were lost. Which of them are
  // real is what the first clock to settle them had before.
  void NoteSettled(const cluster::DotSet& before, const cluster::DotSet& after);
  // The dot is in the clock, and has an effect there.
  bool IsReal(const cluster::DotSet& clock, const cluster::Dot& dot) const;

  // No clock has been beyond this: what expires until then may be gone anywhere.
  void NoteTime(int64_t now_ms) { now_ms_ = std::max(now_ms_, now_ms); }
  int64_t now_ms() const { return now_ms_; }

  // What a key shows against the truth. All answer "" if it is right.
  //
  // Versions are writes of that key with their values, and no increment counts twice.
  std::string CheckVersions(size_t key, const std::vector<cluster::Version>& versions) const;
  // Each write that `is_required` is live, or overwritten by one that `is_surviving`.
  template <typename Required, typename Surviving>
  std::string CheckNotLost(size_t key, const std::vector<cluster::Version>& versions,
                           Required is_required, Surviving is_surviving) const;
  // Nothing live is overwritten by one that `is_surviving`.
  template <typename Surviving>
  std::string CheckNotBack(size_t key, const std::vector<cluster::Version>& versions,
                           Surviving is_surviving) const;

 private:
  struct DotHash {
    size_t operator()(const cluster::Dot& dot) const {
      return (dot.actor.generation * 0x9E3779B97F4A7C15 + dot.actor.slot) * 31 + dot.counter;
    }
  };

  static std::string Name(const TruthWrite& write);
  // Places of the versions, and of the increments in them.
  Bits LivePlaces(const std::vector<cluster::Version>& versions) const;

  std::vector<TruthWrite> writes_;
  std::vector<TruthUnit> units_;
  std::vector<std::vector<WriteId>> by_key_;
  std::unordered_map<cluster::Dot, WriteId, DotHash> by_dot_;
  uint64_t acknowledgements_ = 0;
  int64_t now_ms_ = 0;
  std::map<cluster::Slot, uint64_t> settled_;       // by the first to do so
  std::map<cluster::Actor, cluster::DotSet> real_;  // of settled actors
};

template <typename Required, typename Surviving>
std::string Truth::CheckNotLost(size_t key, const std::vector<cluster::Version>& versions,
                                Required is_required, Surviving is_surviving) const {
  const Bits live = LivePlaces(versions);
  for (const WriteId id : by_key_[key]) {
    const TruthWrite& write = writes_[id];
    if (!is_required(write) || live.Has(write.place)) continue;
    if (write.expiry != 0 && write.expiry <= now_ms_) continue;
    if (write.is_delete && is_surviving(write)) continue;
    bool is_overwritten = false;
    for (size_t i = write.place + 1; i < by_key_[key].size() && !is_overwritten; ++i) {
      const TruthWrite& later = writes_[by_key_[key][i]];
      // Of increments only what they took over; and that is counted as live.
      if (write.kind == cluster::Kind::kCounter && later.kind == cluster::Kind::kCounter) continue;
      is_overwritten = later.seen.Has(write.place) && is_surviving(later);
    }
    if (!is_overwritten) return Name(write) + " is lost";
  }
  return "";
}

template <typename Surviving>
std::string Truth::CheckNotBack(size_t key, const std::vector<cluster::Version>& versions,
                                Surviving is_surviving) const {
  for (const cluster::Version& version : versions) {
    const TruthWrite* write = Find(version.dot);
    if (write == nullptr) continue;
    // A writer whose clock is ahead did not see it any more.
    if (write->expiry != 0 && write->expiry <= now_ms_) continue;
    for (size_t i = write->place + 1; i < by_key_[key].size(); ++i) {
      const TruthWrite& later = writes_[by_key_[key][i]];
      if (!later.seen.Has(write->place) || !is_surviving(later)) continue;
      return Name(*write) + " is live, overwritten by " + Name(later);
    }
  }
  return "";
}

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_TRUTH_H_
