#include "net/peer_stream.h"

#include <netinet/tcp.h>

#include <boost/asio/buffer.hpp>
#include <utility>

#include "base/clock.h"

namespace kvserver {
namespace {

using boost::system::error_code;
namespace asio = boost::asio;

constexpr size_t kPiecesPerWrite = 64;     // what Asio hands to the system at once
constexpr size_t kJoinedBytes = 16 << 10;  // smaller pieces are joined up to this
constexpr int64_t kEndingSeconds = 2;      // for the last words to be read

std::string Why(const error_code& error) {
  if (error == asio::error::eof) return "the other end has closed the connection";
  return "the connection broke: " + error.message();
}

}  // namespace

PeerStream::PeerStream(asio::ip::tcp::socket socket, Owner& owner, std::vector<char>& buffer,
                       int64_t silence_ms)
    : socket_(std::move(socket)), owner_(owner), buffer_(buffer), silence_ms_(silence_ms) {
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
  WaitReadable();
}

void PeerStream::WaitReadable() {
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this()](const error_code& error) {
                       if (!self->is_open_) return;
                       if (error) return self->Lose(Why(error));
                       self->Readable();
                     });
}

void PeerStream::Readable() {
  // Once, then the other connections have their turn.
  error_code error;
  const size_t size = socket_.read_some(asio::buffer(buffer_), error);
  if (error == asio::error::would_block || error == asio::error::interrupted) return WaitReadable();
  if (error) return Lose(Why(error));
  last_received_us_ = SteadyMicroseconds();
  if (!is_ending_) {
    const std::string why = owner_.Received(std::string_view(buffer_.data(), size));
    if (!is_open_) return;
    if (!why.empty()) return Lose(why);
  }
  WaitReadable();
}

void PeerStream::Write(std::string bytes) {
  if (!is_open_ || is_ending_ || bytes.empty()) return;
  // The first may be on its way, but it is not shared with the system: it may grow.
  if (!output_.empty() && output_.back().size() + bytes.size() <= kJoinedBytes) {
    output_.back() += bytes;
  } else {
    output_.push_back(std::move(bytes));
  }
  if (!is_writing_) WaitWritable();
}

void PeerStream::WaitWritable() {
  is_writing_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [self = shared_from_this()](const error_code& error) {
                       if (!self->is_open_) return;
                       self->is_writing_ = false;
                       if (error) return self->Lose(Why(error));
                       self->Writable();
                     });
}

void PeerStream::Writable() {
  std::vector<asio::const_buffer> pieces;
  for (const std::string& piece : output_) {
    if (pieces.size() == kPiecesPerWrite) break;
    pieces.push_back(asio::buffer(piece));
  }
  if (pieces.empty()) return;
  pieces[0] += sent_;
  error_code error;
  size_t size = socket_.write_some(pieces, error);
  if (error == asio::error::would_block || error == asio::error::interrupted) {
    return WaitWritable();
  }
  if (error) return Lose(Why(error));
  last_sent_us_ = SteadyMicroseconds();
  for (size += sent_; !output_.empty() && size >= output_.front().size(); output_.pop_front()) {
    size -= output_.front().size();
  }
  sent_ = size;
  if (!output_.empty()) return WaitWritable();
  if (is_ending_) {
    // The other end reads this and closes; Sweep does if it does not.
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
    return;
  }
  owner_.Drained();
}

void PeerStream::CloseWhenDrained() {
  if (std::exchange(is_ending_, true)) return;
  ending_since_us_ = SteadyMicroseconds();
  if (output_.empty()) {
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }
}

void PeerStream::Close() {
  if (!std::exchange(is_open_, false)) return;
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
  // Bytes that wait are as good as a heartbeat.
  if (output_.empty() && now_us - last_sent_us_ >= heartbeat_us) Write(std::string(heartbeat));
}

}  // namespace kvserver
