// What the connections of a PeerNetwork share.
#ifndef KVSERVER_SRC_NET_PEER_HUB_H_
#define KVSERVER_SRC_NET_PEER_HUB_H_

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "net/peer_hello.h"
#include "net/peer_network.h"

namespace kvserver {

// Threads: that of the context only.
class PeerHub {
 public:
  PeerHub(boost::asio::io_context& context, PeerNetworkOptions options, PeerEvents events);

  boost::asio::io_context& context() { return context_; }
  const PeerNetworkOptions& options() const { return options_; }
  const PeerEvents& events() const { return events_; }

  PeerHello HelloTo(cluster::Slot asked) const;
  // See PeerObjection: with all that is connected now.
  std::string Objection(const PeerHello& other, cluster::Slot expected) const;

  // `link` is the address of the connection's object.
  void Connected(const void* link, ConnectedPeer peer) { connected_[link] = std::move(peer); }
  void Disconnected(const void* link) { connected_.erase(link); }

  // A line that was told within the last minute, or `quiet_us`, is not told again.
  void Log(PeerLogLevel level, const std::string& line, int64_t quiet_us = 60'000'000);
  // For what changes back and forth: who reads that needs the last of it.
  void LogChange(PeerLogLevel level, const std::string& line) { Log(level, line, 1'000'000); }

 private:
  boost::asio::io_context& context_;
  const PeerNetworkOptions options_;
  const PeerEvents events_;
  std::vector<cluster::Slot> slots_;  // of the peers
  std::map<const void*, ConnectedPeer> connected_;
  std::map<std::string, int64_t> told_us_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_PEER_HUB_H_
