// Planted faults, to prove that the simulator finds them. They exist only in the copy of these
// sources that its tests build with KVSERVER_MUTANTS.
#ifndef KVSERVER_SRC_CLUSTER_MUTANT_H_
#define KVSERVER_SRC_CLUSTER_MUTANT_H_

#include <cstdint>

namespace kvserver::cluster {

enum class Mutant : uint8_t {
  kNone,
  kReusedActor,            // the same actor after a restart
  kContextInClock,         // a client's context becomes part of the clock
  kRecoveringAsNormal,     // a replica that lost its data goes on as if it had not
  kRetireUnfenced,         // actors are settled without looking at the generations
  kFenceOwnSlotOnly,       // ... looking only at the actor's own
  kLastWriterInMerge,      // a merge keeps the latest version only
  kUnsyncedStability,      // the log forgets by what is in memory
  kNoCompletenessCheck,    // a pull is answered though the log does not know all
  kAckBeforeSync,          // a push is acknowledged when it is merged
  kKilledNotRemembered,    // what a push has overwritten is forgotten if it is not here yet
  kUnitSplit,              // a pull brings a part of a unit
  kCounterFoldsUnsettled,  // a counter takes over the sum of its last run too early
  kLeaveRecoveryUnsynced,  // recovered before what was recovered is on disk
  kTellRecoveryUnsynced,   // others hear of a recovery before it is on disk, and do not remember it
  kNoRangeContext,         // what comes during a range comparison is merged as always
};

#ifdef KVSERVER_MUTANTS
inline Mutant active_mutant = Mutant::kNone;
inline bool IsMutant(Mutant mutant) { return active_mutant == mutant; }
#else
constexpr bool IsMutant(Mutant) { return false; }
#endif

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_MUTANT_H_
