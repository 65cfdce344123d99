// A PeerReceiver is a connection that was accepted: it finds out which peer has dialled, whether it
// may, and then receives its frames.
#ifndef KVSERVER_SRC_NET_PEER_RECEIVER_H_
#define KVSERVER_SRC_NET_PEER_RECEIVER_H_

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "net/peer_frames.h"
#include "net/peer_hello.h"
#include "net/peer_hub.h"
#include "net/peer_stream.h"

namespace kvserver {

// Threads: that of the hub only.
class PeerReceiver : public PeerStream::Owner {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // It is `node`, and may send: older connections of the same node are to be closed.
    virtual void Identified(PeerReceiver& receiver, cluster::Actor node) = 0;
    virtual absl::Status Frame(cluster::Slot from, std::string frame) = 0;
    // The last call. The receiver is to be destroyed, but not at once.
    virtual void Gone(PeerReceiver& receiver) = 0;
  };

  PeerReceiver(PeerHub& hub, Listener& listener, boost::asio::ip::tcp::socket socket);
  ~PeerReceiver() override;

  void Start();
  // With a reason, that is logged. Gone is called, unless it was.
  void Close(const std::string& why);
  void Sweep(int64_t now_us, int64_t stalled_us);

  bool is_identified() const { return state_ == State::kOpen; }
  cluster::Actor node() const { return node_; }  // if identified

 private:
  enum class State : uint8_t { kHello, kRefused, kOpen, kGone };

  std::string HelloReceived(const PeerHello& hello);
  std::string name() const;

  std::string Received(std::string_view bytes) override;
  void Drained() override {}
  void Lost(const std::string& why) override;

  PeerHub& hub_;
  Listener& listener_;
  std::string address_;  // of the other end, without its port
  std::shared_ptr<PeerStream> stream_;
  State state_ = State::kHello;
  bool has_spoken_ = false;
  int64_t deadline_us_ = 0;
  cluster::Actor node_;
  std::string input_;  // of a hello
  PeerFrameReader frames_{PeerNetwork::kFrameBytesMax};
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_PEER_RECEIVER_H_
