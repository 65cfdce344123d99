// A PeerStream is one TCP connection between two nodes: it reads in turns, writes what is given to
// it, many pieces in one call of the system, and finds out when the other end is gone, even when
// nothing says so.
//
// Threads    Send: any. All others: that of its context, on which the owner is called.
// Lifetime   The owner must live until it has called Close, or Lost has been called.
#ifndef KVSERVER_SRC_NET_PEER_STREAM_H_
#define KVSERVER_SRC_NET_PEER_STREAM_H_

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace kvserver {

class PeerStream : public std::enable_shared_from_this<PeerStream> {
 public:
  static constexpr size_t kReadBytes = size_t{256} << 10;  // of one turn

  class Owner {
   public:
    virtual ~Owner() = default;
    // "": go on. Else why this connection cannot: it is closed, and Lost is called with that.
    virtual std::string Received(std::string_view bytes) = 0;
    // All that was to be written is with the system.
    virtual void Drained() = 0;
    // The connection is closed, and this was the last call.
    virtual void Lost(const std::string& why) = 0;
  };

  // `silence_ms`: see Sweep.
  PeerStream(boost::asio::ip::tcp::socket socket, Owner& owner, int64_t silence_ms);

  void Start(int64_t now_us);
  // Sends the pieces one behind the other, with nothing between them. What the system takes at once
  // is sent by the caller: to wake another thread would cost more. True: that was all. False: the
  // rest follows, and when all is with the system, Drained is called; or Lost, as for everything
  // that goes wrong. Nothing is called before this returns. Its owner bounds what waits here by
  // waiting for Drained.
  bool Send(std::vector<std::string> pieces);
  // Sends what is left, waits a moment for the other end to close, then closes; what arrives
  // meanwhile is ignored. Lost is called at the end.
  void CloseWhenDrained();
  // Nothing of the owner is called any more.
  void Close();
  bool is_open() const { return is_open_; }

  // To be called several times per heartbeat: sends `heartbeat` if nothing was sent for
  // `heartbeat_us`, and gives the connection up if nothing has been received for silence_ms.
  // `stalled_us`: this thread was busy elsewhere for so long, which is nobody's silence.
  void Sweep(int64_t now_us, int64_t heartbeat_us, std::string_view heartbeat, int64_t stalled_us);

 private:
  void Read();
  void WaitWritable();
  void Writable();
  boost::system::error_code SendWaiting();
  void Lose(const std::string& why);

  boost::asio::ip::tcp::socket socket_;
  const int handle_;  // of the socket, until it is closed
  Owner& owner_;
  const std::unique_ptr<char[]> input_;  // of kReadBytes; only what was ever filled is memory
  const int64_t silence_ms_;
  int64_t last_received_us_ = 0, ending_since_us_ = 0;

  std::mutex mutex_;
  // Guarded by it, and changed by the context's thread only.
  bool is_open_ = true, is_ending_ = false;
  // Guarded by it.
  bool is_waiting_ = false;  // the context's thread will look when the system takes more
  int64_t last_sent_us_ = 0;
  std::deque<std::string> output_;
  size_t sent_ = 0;  // of the first of them
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_PEER_STREAM_H_
