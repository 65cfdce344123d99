// A PeerStream is one TCP connection between two nodes: it reads in turns, writes what is given to
// it, many pieces in one call of the system, and finds out when the other end is gone, even when
// nothing says so.
//
// Threads    That of its context only.
// Lifetime   The owner must live until it has called Close, or Lost has been called.
#ifndef KVSERVER_SRC_NET_PEER_STREAM_H_
#define KVSERVER_SRC_NET_PEER_STREAM_H_

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
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

  // `buffer` has kReadBytes and belongs to the thread. `silence_ms`: see Sweep.
  PeerStream(boost::asio::ip::tcp::socket socket, Owner& owner, std::vector<char>& buffer,
             int64_t silence_ms);

  void Start(int64_t now_us);
  // Appends to what is to be sent: its owner bounds it by waiting for Drained. Sends no byte before
  // it returns, so it calls nothing of the owner.
  void Write(std::string bytes);
  bool is_drained() const { return output_.empty(); }
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
  void WaitReadable();
  void Readable();
  void WaitWritable();
  void Writable();
  void Lose(const std::string& why);

  boost::asio::ip::tcp::socket socket_;
  Owner& owner_;
  std::vector<char>& buffer_;
  const int64_t silence_ms_;
  bool is_open_ = true, is_writing_ = false, is_ending_ = false;
  int64_t last_received_us_ = 0, last_sent_us_ = 0, ending_since_us_ = 0;
  std::deque<std::string> output_;
  size_t sent_ = 0;  // of the first of them
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_PEER_STREAM_H_
