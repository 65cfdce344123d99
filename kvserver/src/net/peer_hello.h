// What two nodes say first on a connection, and whether they may go on. The grammar is in
// kvserver/doc/peer_protocol.md; no sockets here.
#ifndef KVSERVER_SRC_NET_PEER_HELLO_H_
#define KVSERVER_SRC_NET_PEER_HELLO_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cluster/dot.h"

namespace kvserver {

inline constexpr uint64_t kPeerProtocol = 1;
inline constexpr size_t kPeerHelloBytesMax = 10 + 4'096 + 8;
inline constexpr size_t kClusterNameBytesMax = 64;
inline constexpr size_t kStoreIdBytes = 16;
inline constexpr size_t kPeerReasonBytesMax = 512;

struct PeerHello {
  uint64_t lowest = kPeerProtocol, highest = kPeerProtocol;
  std::string cluster;
  cluster::Actor node;
  std::string store;  // kStoreIdBytes random bytes, made with the data directory
  uint64_t features = 0;
  cluster::Slot asked = 0;  // whom the sender believes to talk to
  bool is_refused = false;
  std::string reason;  // of a refusal

  friend bool operator==(const PeerHello&, const PeerHello&) = default;
};

// A longer reason is cut.
std::string EncodePeerHello(const PeerHello& hello);

// Takes one hello from the front of `in`. nullopt: as far as it goes it is one; there is more to
// come, which is at most kPeerHelloBytesMax in all. InvalidArgument: it is none. Names and reasons
// are fit for a log: bytes that cannot be printed have become '?'.
absl::StatusOr<std::optional<PeerHello>> TakePeerHello(std::string_view& in);

// A peer that this node is connected with.
struct ConnectedPeer {
  cluster::Actor node;
  std::string store;
};

// Why `own` does not talk to `other`, one sentence of which `other` is the subject, such as "is of
// the cluster 'a', this node of 'b'"; "": it does. `peers`: all nodes but this one.
std::string PeerObjection(const PeerHello& own, const PeerHello& other,
                          std::span<const cluster::Slot> peers,
                          std::span<const ConnectedPeer> connected);

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_PEER_HELLO_H_
