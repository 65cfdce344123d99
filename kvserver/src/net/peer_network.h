// The PeerNetwork brings frames from node to node: it dials every peer and sends on what it has
// dialled, listens for peers and receives on what it has accepted, and does so again whenever a
// connection breaks. What is in a frame is its user's. The protocol is in
// kvserver/doc/peer_protocol.md.
//
//   PeerEvents events;
//   events.on_message = [&](cluster::Slot from, std::string frame) { return Take(from, frame); };
//   absl::StatusOr<std::unique_ptr<PeerNetwork>> network = PeerNetwork::Start(options, events);
//   (*network)->Send(2, frame);
//   (*network)->Flush();
//
// Frames of one node to another arrive in order, each once or not at all: a frame is lost when its
// connection breaks, when there is none, or when too many wait. Nothing says which have arrived.
//
// Threads    One of its own, on which all events are called; they may call Send, Flush and Status,
//            and nothing else. These three: any thread.
#ifndef KVSERVER_SRC_NET_PEER_NETWORK_H_
#define KVSERVER_SRC_NET_PEER_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cluster/dot.h"
#include "cluster/message_codec.h"
#include "net/peer_address.h"

namespace kvserver {

// How long a PeerNetwork waits for what.
struct PeerTimes {
  int64_t heartbeat_ms = 1'000;  // sent when nothing else is
  int64_t silence_ms = 5'000;    // received nothing: the connection is given up
  int64_t hello_ms = 5'000;      // to connect; to exchange hellos
  int64_t redial_first_ms = 50;  // then twice as long each time, at most:
  int64_t redial_last_ms = 1'000;
};

struct PeerNetworkOptions {
  cluster::Actor self;  // --node-id, and which run of it
  std::string cluster = "kv";
  std::string store_id;  // 16 random bytes that were made with the data directory
  std::string address = "127.0.0.1";
  uint16_t port = 0;               // 0: one that is free
  std::vector<PeerAddress> peers;  // all others
  size_t queue_bytes_max = size_t{64}
                           << 20;  // per peer, 64 added for each frame; one alone may be longer
  PeerTimes times;
};

enum class PeerLogLevel : uint8_t { kInfo, kWarning };

struct PeerEvents {
  // A frame, as it was sent. The next one of any peer is read when this has returned: what takes
  // seconds here looks to the peers as if this node were gone. An error closes the connection that
  // the frame came on, and is logged.
  std::function<absl::Status(cluster::Slot from, std::string frame)> on_message;
  // Frames can be sent to the peer from now on, or cannot any more. May be empty.
  std::function<void(cluster::Slot peer, bool is_connected)> on_connection;
  // One sentence without a full stop. What repeats itself is told once a minute, a connection that
  // comes and goes once a second. May be empty.
  std::function<void(PeerLogLevel level, const std::string& line)> log;
};

struct PeerLinkStatus {
  PeerAddress address;
  bool can_send = false, can_receive = false;
  uint64_t generation = 0;                 // of its run, as last connected with; 0: never
  int64_t connected_since_ms = 0;          // since 1970, for sending; 0: not connected
  uint64_t connects = 0;                   // for sending, ever
  uint64_t frames_out = 0, bytes_out = 0;  // handed to the system; with heads, without heartbeats
  uint64_t frames_in = 0, bytes_in = 0;    // the same, given to on_message
  uint64_t frames_dropped = 0, bytes_dropped = 0;
  size_t queued_bytes = 0;
  std::string last_error;  // why it was not, or is not, connected; stays after that
};

class PeerNetwork {
 public:
  static constexpr size_t kFrameBytesMax = cluster::kMessageBytesMax;
  // Accepted connections that have not said yet who they are; more are closed at once.
  static constexpr size_t kStrangersMax = 64;

  // Listens, and begins to dial. Unavailable: the port is taken. InvalidArgument: no such address,
  // a name or id that cannot be, a peer twice or with the own id.
  static absl::StatusOr<std::unique_ptr<PeerNetwork>> Start(PeerNetworkOptions options,
                                                            PeerEvents events);
  // Drops what was not sent, closes everything, and returns when the last event has. If the name
  // of a peer is being looked up, and the answer does not come, that can take seconds.
  ~PeerNetwork();

  uint16_t port() const;

  // True: the frame waits for Flush. False: it was dropped, and counted: there is no connection,
  // too much waits already, it is empty or longer than kFrameBytesMax, no such peer.
  bool Send(cluster::Slot to, std::string frame);
  // What waits leaves: what the system takes at once, at most a megabyte per peer, is sent by the
  // caller, the rest follows. Does not block.
  void Flush();

  std::vector<PeerLinkStatus> Status() const;

 private:
  PeerNetwork();

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_PEER_NETWORK_H_
