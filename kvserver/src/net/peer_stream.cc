#include "net/peer_stream.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "base/clock.h"

namespace kvserver {
namespace {

using boost::system::error_code;
namespace asio = boost::asio;

constexpr size_t kPiecesPerWrite = 64;     // in one call of the system
constexpr size_t kJoinedBytes = 16 << 10;  // smaller pieces are joined up to this
constexpr int64_t kEndingSeconds = 2;      // for the last words to be read

std::string Why(const error_code& error) {
  if (error == asio::error::eof) return "the other end has closed the connection";
  return "the connection broke: " + error.message();
}

}  // namespace

PeerStream::PeerStream(asio::ip::tcp::socket socket, Owner& owner, int64_t silence_ms)
    : socket_(std::move(socket)),
      handle_(socket_.native_handle()),
      owner_(owner),
      input_(std::make_unique_for_overwrite<char[]>(kReadBytes)),
      silence_ms_(silence_ms) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  // What was sent and is not acknowledged for so long breaks the connection; the system's own
  // patience is a quarter of an hour.
  using UserTimeout = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
  socket_.set_option(UserTimeout(static_cast<int>(silence_ms)), ignored);
}

void PeerStream::Start(int64_t now_us) {
  last_received_us_ = last_sent_us_ = now_us;
  Read();
}

void PeerStream::Read() {
  // Once, then the other connections have their turn.
  socket_.async_read_some(asio::buffer(input_.get(), kReadBytes),
                          [self = shared_from_this()](const error_code& error, size_t size) {
                            if (!self->is_open_) return;
                            if (error) return self->Lose(Why(error));
                            self->last_received_us_ = SteadyMicroseconds();
                            if (!self->is_ending_) {
                              const std::string why =
                                  self->owner_.Received(std::string_view(self->input_.get(), size));
                              if (!self->is_open_) return;
                              if (!why.empty()) return self->Lose(why);
                            }
                            self->Read();
                          });
}

bool PeerStream::Send(std::vector<std::string> pieces) {
  const std::lock_guard lock(mutex_);
  if (!is_open_ || is_ending_) return false;
  for (std::string& piece : pieces) {
    // Small ones are joined: a system that takes them in one piece has less to do.
    if (!output_.empty() && output_.back().size() + piece.size() <= kJoinedBytes) {
      output_.back() += piece;
    } else if (!piece.empty()) {
      output_.push_back(std::move(piece));
    }
  }
  if (is_waiting_) return false;
  if (!SendWaiting()) return true;
  // An error, too, is met again by the thread that can tell the owner.
  is_waiting_ = true;
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->WaitWritable(); });
  return false;
}

void PeerStream::WaitWritable() {
  if (!is_open_) return;
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [self = shared_from_this()](const error_code& error) {
                       if (!self->is_open_) return;
                       if (error) return self->Lose(Why(error));
                       self->Writable();
                     });
}

void PeerStream::Writable() {
  error_code error;
  {
    const std::lock_guard lock(mutex_);
    error = SendWaiting();
    is_waiting_ = error == asio::error::would_block;
  }
  if (error == asio::error::would_block) return WaitWritable();
  if (error) return Lose(Why(error));
  if (is_ending_) {
    // The other end reads this and closes; Sweep does if it does not.
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
    return;
  }
  owner_.Drained();
}

// Under the lock. would_block: the system did not take all.
error_code PeerStream::SendWaiting() {
  while (!output_.empty()) {
    std::array<iovec, kPiecesPerWrite> pieces;
    const size_t count = std::min(output_.size(), kPiecesPerWrite);
    for (size_t i = 0; i < count; ++i) pieces[i] = {output_[i].data(), output_[i].size()};
    pieces[0].iov_base = output_[0].data() + sent_;
    pieces[0].iov_len -= sent_;
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    // Not by way of socket_, which is the context's thread's.
    const ssize_t taken = sendmsg(handle_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) {
      const error_code error(errno, boost::system::system_category());
      return error == asio::error::try_again ? asio::error::would_block : error;
    }
    last_sent_us_ = SteadyMicroseconds();
    size_t size = static_cast<size_t>(taken) + sent_;
    for (; !output_.empty() && size >= output_.front().size(); output_.pop_front()) {
      size -= output_.front().size();
    }
    sent_ = size;
  }
  return {};
}

void PeerStream::CloseWhenDrained() {
  if (is_ending_) return;
  ending_since_us_ = SteadyMicroseconds();
  const std::lock_guard lock(mutex_);
  is_ending_ = true;
  if (output_.empty()) {
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }
}

void PeerStream::Close() {
  if (!is_open_) return;
  const std::lock_guard lock(mutex_);
  is_open_ = false;
  error_code ignored;
  socket_.close(ignored);
  output_.clear();
}

void PeerStream::Lose(const std::string& why) {
  if (!is_open_) return;
  Close();
  owner_.Lost(why);
}

void PeerStream::Sweep(int64_t now_us, int64_t heartbeat_us, std::string_view heartbeat,
                       int64_t stalled_us) {
  if (!is_open_) return;
  if (is_ending_) {
    if (now_us - ending_since_us_ > kEndingSeconds * 1'000'000) Lose("");
    return;
  }
  last_received_us_ += stalled_us;
  if (now_us - last_received_us_ > silence_ms_ * 1'000) {
    return Lose("nothing came from the other end for " + std::to_string(silence_ms_) + " ms");
  }
  {
    const std::lock_guard lock(mutex_);
    // Bytes that wait are as good as a heartbeat.
    if (!output_.empty() || now_us - last_sent_us_ < heartbeat_us) return;
  }
  Send({std::string(heartbeat)});
}

}  // namespace kvserver
