#include "net/peer_hello.h"

#include <xxhash.h>

#include <algorithm>
#include <limits>

#include "base/byte_codec.h"

namespace kvserver {
namespace {

constexpr std::string_view kMagic = "kvpeer\r\n";
constexpr size_t kHeadBytes = kMagic.size() + 2, kChecksumBytes = 8;
constexpr size_t kBodyBytesMax = kPeerHelloBytesMax - kHeadBytes - kChecksumBytes;

uint64_t Checksum(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string Printable(std::string_view bytes) {
  std::string text(bytes);
  for (char& c : text) {
    if (static_cast<uint8_t>(c) < ' ' || c == '\x7F') c = '?';
  }
  return text;
}

// What of the body this version knows; more may follow.
bool ParseBody(std::string_view body, PeerHello& hello) {
  ByteReader in(body);
  std::string_view cluster, store, reason;
  uint64_t node = 0, asked = 0;
  uint8_t verdict = 0;
  constexpr uint64_t kSlotMax = std::numeric_limits<cluster::Slot>::max();
  if (!in.Varint(&hello.lowest) || !in.Varint(&hello.highest) || !in.Bytes(&cluster) ||
      !in.Varint(&node) || !in.Varint(&hello.node.generation) || !in.Bytes(&store) ||
      !in.Varint(&hello.features) || !in.Varint(&asked) || !in.Byte(&verdict) ||
      !in.Bytes(&reason)) {
    return false;
  }
  if (hello.lowest > hello.highest || cluster.size() > kClusterNameBytesMax || node > kSlotMax ||
      store.size() != kStoreIdBytes || asked > kSlotMax || verdict > 1 ||
      reason.size() > kPeerReasonBytesMax) {
    return false;
  }
  hello.cluster = Printable(cluster);
  hello.node.slot = static_cast<cluster::Slot>(node);
  hello.store = store;
  hello.asked = static_cast<cluster::Slot>(asked);
  hello.is_refused = verdict == 1;
  hello.reason = Printable(reason);
  return true;
}

std::string Versions(const PeerHello& hello) {
  return hello.lowest == hello.highest
             ? "version " + std::to_string(hello.lowest)
             : "versions " + std::to_string(hello.lowest) + " to " + std::to_string(hello.highest);
}

std::string ObjectionToConnected(const PeerHello& other, const ConnectedPeer& peer) {
  const std::string name = "node " + std::to_string(peer.node.slot);
  if (peer.node.slot != other.node.slot) {
    if (peer.store != other.store) return "";
    return "has the data directory that " + name +
           " has too: one is a copy; delete it there, and the node fetches its data anew";
  }
  if (peer.store != other.store) {
    return "is not the only one: " + name + " is connected from another data directory; two " +
           "processes have the same --node-id";
  }
  if (peer.node.generation > other.node.generation) {
    return "is not the only one: a later run of " + name + " is connected; two processes have " +
           "the same --node-id, and copies of one data directory";
  }
  return "";
}

}  // namespace

std::string EncodePeerHello(const PeerHello& hello) {
  std::string body;
  AppendVarint(body, hello.lowest);
  AppendVarint(body, hello.highest);
  AppendBytes(body, hello.cluster);
  AppendVarint(body, hello.node.slot);
  AppendVarint(body, hello.node.generation);
  AppendBytes(body, hello.store);
  AppendVarint(body, hello.features);
  AppendVarint(body, hello.asked);
  body.push_back(hello.is_refused ? '\1' : '\0');
  AppendBytes(body, std::string_view(hello.reason).substr(0, kPeerReasonBytesMax));

  std::string out(kMagic);
  out.push_back(static_cast<char>(body.size() >> 8));
  out.push_back(static_cast<char>(body.size()));
  out += body;
  AppendFixed64(out, Checksum(out));
  return out;
}

absl::StatusOr<std::optional<PeerHello>> TakePeerHello(std::string_view& in) {
  const std::string_view magic = in.substr(0, kMagic.size());
  if (magic != kMagic.substr(0, magic.size())) {
    return absl::InvalidArgumentError("what came is not the peer protocol of kvserver");
  }
  if (in.size() < kHeadBytes) return std::optional<PeerHello>();
  const size_t size = size_t{static_cast<uint8_t>(in[kMagic.size()])} << 8 |
                      static_cast<uint8_t>(in[kMagic.size() + 1]);
  if (size > kBodyBytesMax) {
    return absl::InvalidArgumentError("its hello has " + std::to_string(size) + " bytes; at most " +
                                      std::to_string(kBodyBytesMax) + " are allowed");
  }
  const size_t covered = kHeadBytes + size;
  if (in.size() < covered + kChecksumBytes) return std::optional<PeerHello>();
  uint64_t checksum = 0;
  static_cast<void>(ByteReader(in.substr(covered)).Fixed64(&checksum));
  if (checksum != Checksum(in.substr(0, covered))) {
    return absl::InvalidArgumentError("its hello has a wrong checksum");
  }
  PeerHello hello;
  if (!ParseBody(in.substr(kHeadBytes, size), hello)) {
    return absl::InvalidArgumentError("its hello is malformed");
  }
  in.remove_prefix(covered + kChecksumBytes);
  return std::optional<PeerHello>(std::move(hello));
}

std::string PeerObjection(const PeerHello& own, const PeerHello& other,
                          std::span<const cluster::Slot> peers,
                          std::span<const ConnectedPeer> connected) {
  const std::string own_name = "node " + std::to_string(own.node.slot);
  if (std::max(own.lowest, other.lowest) > std::min(own.highest, other.highest)) {
    return "speaks " + Versions(other) + " of the peer protocol, and " + own_name + " " +
           Versions(own) + ": upgrade the older of the two";
  }
  if (own.cluster != other.cluster) {
    return "is of the cluster '" + other.cluster + "', and " + own_name + " of '" + own.cluster +
           "'";
  }
  if (own.node.slot == other.node.slot) {
    return "calls itself " + own_name + ", as the other end does: every node needs a --node-id " +
           "of its own, and no node may be its own peer";
  }
  if (std::find(peers.begin(), peers.end(), other.node.slot) == peers.end()) {
    return "calls itself node " + std::to_string(other.node.slot) + ", which is not among the " +
           "--peers of " + own_name + ": every node must name all others";
  }
  if (other.asked != own.node.slot) {
    return "expects node " + std::to_string(other.asked) + " where " + own_name +
           " is: its --peers are wrong";
  }
  if (other.store == own.store) {
    return "has the data directory of " + own_name +
           ": one is a copy; delete it there, and the node fetches its data anew";
  }
  for (const ConnectedPeer& peer : connected) {
    std::string objection = ObjectionToConnected(other, peer);
    if (!objection.empty()) return objection;
  }
  return "";
}

}  // namespace kvserver
