// A PeerSender keeps a connection to one peer, to send on: it dials, says hello, sends what waits
// in its queue, and dials again when the connection breaks.
#ifndef KVSERVER_SRC_NET_PEER_SENDER_H_
#define KVSERVER_SRC_NET_PEER_SENDER_H_

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "net/peer_frames.h"
#include "net/peer_hello.h"
#include "net/peer_hub.h"
#include "net/peer_network.h"
#include "net/peer_stream.h"

namespace kvserver {

class PeerSender : public PeerStream::Owner {
 public:
  PeerSender(PeerHub& hub, PeerAddress address);

  // Any thread.
  bool Send(std::string frame);  // it leaves with the next Flush
  void Flush();
  PeerLinkStatus Status() const;

  // All others: the thread of the hub.
  void Dial();
  void Stop();
  void Sweep(int64_t now_us, int64_t stalled_us);
  // A run of the peer has connected: an older one is not to be sent to any more, and this one is
  // there.
  void PeerHasConnected(uint64_t generation);
  // What the accepted connection of the same peer does.
  void SetCanReceive(bool can_receive);
  void CountReceived(uint64_t frames, uint64_t bytes);

 private:
  enum class State : uint8_t { kWaiting, kDialling, kHello, kOpen, kStopped };

  void Resolved(std::vector<boost::asio::ip::tcp::endpoint> endpoints);
  void Connected();
  std::string HelloReceived(PeerHello hello);
  void Pump();       // under the lock
  void CountSent();  // likewise
  void Fail(const std::string& why);
  void DialLater();
  void CloseAll();
  std::string name() const;

  std::string Received(std::string_view bytes) override;
  void Drained() override;
  void Lost(const std::string& why) override { Fail(why); }

  PeerHub& hub_;
  const PeerAddress address_;

  // Of the hub's thread.
  State state_ = State::kWaiting;
  uint64_t attempt_ = 0;  // handlers of earlier ones are late
  int64_t deadline_us_ = 0, open_since_us_ = 0;
  int failures_ = 0;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer redial_;
  std::shared_ptr<boost::asio::ip::tcp::socket> socket_;  // while it connects
  std::vector<boost::asio::ip::tcp::endpoint> endpoints_;
  std::shared_ptr<PeerStream> stream_;
  std::string input_;  // of a hello
  PeerFrameReader heartbeats_{0};
  uint64_t generation_ = 0;  // of the peer, while open
  std::minstd_rand random_;

  mutable std::mutex mutex_;
  // Guarded by it.
  PeerLinkStatus status_;  // queued_bytes is that of queue_ and of what the stream has
  std::deque<std::string> queue_;
  std::shared_ptr<PeerStream> open_stream_;        // stream_, while frames can be sent
  size_t written_bytes_ = 0, written_frames_ = 0;  // given to the stream, and not yet drained
  bool is_waiting_ = false;                        // Drained will be called
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_PEER_SENDER_H_
