#include "net/peer_hub.h"

#include <utility>

#include "base/clock.h"

namespace kvserver {
namespace {

constexpr size_t kToldMax = 256;

}  // namespace

PeerHub::PeerHub(boost::asio::io_context& context, PeerNetworkOptions options, PeerEvents events)
    : context_(context), options_(std::move(options)), events_(std::move(events)) {
  for (const PeerAddress& peer : options_.peers) slots_.push_back(peer.id);
}

PeerHello PeerHub::HelloTo(cluster::Slot asked) const {
  PeerHello hello;
  hello.cluster = options_.cluster;
  hello.node = options_.self;
  hello.store = options_.store_id;
  hello.asked = asked;
  return hello;
}

std::string PeerHub::Objection(const PeerHello& other, cluster::Slot expected) const {
  std::vector<ConnectedPeer> connected;
  for (const auto& [link, peer] : connected_) connected.push_back(peer);
  return PeerObjection(HelloTo(expected), other, slots_, connected);
}

void PeerHub::Log(PeerLogLevel level, const std::string& line, int64_t quiet_us) {
  if (!events_.log) return;
  const int64_t now = SteadyMicroseconds();
  const auto told = told_us_.find(line);
  if (told != told_us_.end() && now - told->second < quiet_us) return;
  if (told_us_.size() >= kToldMax) told_us_.clear();
  told_us_[line] = now;
  events_.log(level, line);
}

}  // namespace kvserver
