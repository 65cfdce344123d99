// What may be forgotten: dots in the log that every node has on disk, and the actors of runs that
// are over, when every node has the same of them.
#include <algorithm>

#include "cluster/mutant.h"
#include "cluster/replica_impl.h"

namespace kvserver::cluster {

void Replica::Impl::ForgetLog() {
  DotSet stable = IsMutant(Mutant::kUnsyncedStability) ? clock_ : durable_;
  for (const Peer& peer : peers_) {
    DotSet both = stable.Intersect(peer.durable);
    stable = std::move(both);
  }
  // A run that every node has settled has nothing in the log that anybody could miss.
  durable_.ForEachSettled([&](Slot slot, uint64_t generation) {
    for (const Peer& peer : peers_) generation = std::min(generation, peer.durable.settled(slot));
    if (generation > 0) stable.Settle(slot, generation);
  });
  log_.Forget(stable, &gone_turns_);
  log_.Truncate(options_.log_dots_max, &gone_turns_);
  is_log_whole_ = true;
  clock_.ForEachMissing(stable, [&](const DotSet::Interval& interval) {
    DotSet missing;
    missing.AddRange(interval.actor, interval.first, interval.last);
    is_log_whole_ = is_log_whole_ && log_.dots().HasAll(missing);
  });
  // Of the transaction that is open there is no row yet.
  std::erase(gone_turns_, next_turn_);
}

// The runs of a node up to its newest one are settled when all nodes, in adverts of their newest
// runs, know the same newest runs, so that nothing of the old ones is accepted any more; and have
// the same dots of them on disk.
void Replica::Impl::SettleActors() {
  // A node that recovers has nothing of some runs only because it has lost it.
  if (is_recovering_) return;
  for (const Peer& peer : peers_) {
    if (!peer.advert) return;
    // Nor is all that it has in its clock.
    if (peer.advert->is_recovering) return;
    if (IsMutant(Mutant::kRetireUnfenced) || IsMutant(Mutant::kFenceOwnSlotOnly)) continue;
    if (peer.advert->generations != generations_) return;
    const auto newest = generations_.find(peer.slot);
    if (newest == generations_.end() || newest->second != peer.generation) return;
  }
  if (durable_generations_ != generations_ && !IsMutant(Mutant::kRetireUnfenced) &&
      !IsMutant(Mutant::kFenceOwnSlotOnly)) {
    return;
  }
  for (const Slot slot : options_.members) {
    const auto newest = generations_.find(slot);
    if (newest == generations_.end() || newest->second == 0) continue;
    if (clock_.settled(slot) >= newest->second - 1) continue;
    if (IsMutant(Mutant::kFenceOwnSlotOnly)) {
      const bool is_fenced = std::all_of(peers_.begin(), peers_.end(), [&](const Peer& peer) {
        const auto theirs = peer.advert->generations.find(slot);
        return theirs != peer.advert->generations.end() && theirs->second == newest->second;
      });
      if (!is_fenced) continue;
    }
    // The dots of its old runs, which are not settled yet, at a node that has settled up to
    // `settled` of them: the same as here?
    const auto dots_of = [&](const DotSet& set, uint64_t above) {
      std::map<Actor, DotSet> dots;
      for (const Actor& actor : set.actors()) {
        if (actor.slot != slot || actor.generation <= above) continue;
        if (actor.generation < newest->second) dots[actor] = set.Only(actor);
      }
      return dots;
    };
    bool is_same = dots_of(clock_, 0) == dots_of(durable_, 0);
    for (const Peer& peer : peers_) {
      const uint64_t settled = std::max(clock_.settled(slot), peer.advert->durable.settled(slot));
      is_same = is_same && dots_of(durable_, settled) == dots_of(peer.advert->durable, settled);
    }
    if (!is_same) continue;
    clock_.Settle(slot, newest->second - 1);
    clock_changed_ = true;
  }
}

}  // namespace kvserver::cluster
