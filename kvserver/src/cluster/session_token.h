// A session is what a client has written, as dots: whichever node it asks next answers only when
// its clock has them all, and so shows the client its own writes. The token is a session as text,
// to be carried by the client.
//
//   token := base64( 'S' set checksum:u64 )       set: as in kvserver/doc/replication.md
//   checksum := XXH3-64 of what is in front of it, with the seed of the cluster
//
// Plain functions, any thread.
#ifndef KVSERVER_SRC_CLUSTER_SESSION_TOKEN_H_
#define KVSERVER_SRC_CLUSTER_SESSION_TOKEN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cluster/dot_set.h"

namespace kvserver::cluster {

// Runs of dots that a session has at most; beyond it the gaps between runs of one actor are filled,
// so that it asks for more than was written, never for less.
inline constexpr size_t kSessionRunsMax = 16;
// Then the oldest runs of nodes leave it. They are settled long before, unless nodes are away.
inline constexpr size_t kSessionActorsMax = 64;
inline constexpr size_t kSessionTokenBytesMax = 4'096;

// The writes of one request; first = 0: none.
struct DotRange {
  Actor actor;
  uint64_t first = 0, last = 0;
};

void AddToSession(const DotRange& written, DotSet* session);
void AddToSession(const DotSet& other, DotSet* session);

// Whether a node with this clock shows all that the session has written. What is settled, is seen.
bool HasSeenSession(const DotSet& clock, const DotSet& session);

std::string SessionToken(const DotSet& session, uint64_t seed);
// InvalidArgument: damaged, of another cluster, or no token at all.
absl::StatusOr<DotSet> ReadSessionToken(std::string_view token, uint64_t seed);

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_SESSION_TOKEN_H_
