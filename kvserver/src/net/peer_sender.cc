#include "net/peer_sender.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "base/clock.h"

namespace kvserver {
namespace {

using boost::system::error_code;
namespace asio = boost::asio;
using asio::ip::tcp;

// Frames that are given to the stream at a time; the rest stays where it can be counted.
constexpr size_t kBurstBytes = size_t{1} << 20, kBurstFrames = 1'024;
constexpr size_t kHeadBytes = 4;
// What a frame takes in the queue beside its bytes.
constexpr size_t kFrameCostBytes = 64;

}  // namespace

PeerSender::PeerSender(PeerHub& hub, PeerAddress address)
    : hub_(hub),
      address_(std::move(address)),
      resolver_(hub.context()),
      redial_(hub.context()),
      random_(static_cast<uint32_t>(hub.options().self.generation + address_.id)) {
  status_.address = address_;
}

std::string PeerSender::name() const {
  const bool is_v6 = address_.host.find(':') != std::string::npos;
  return "node " + std::to_string(address_.id) + " at " +
         (is_v6 ? "[" + address_.host + "]" : address_.host) + ":" + std::to_string(address_.port);
}

bool PeerSender::Send(std::string frame) {
  const size_t bytes = frame.size();
  const std::lock_guard lock(mutex_);
  const size_t frames = queue_.size() + written_frames_;
  const bool is_full = frames > 0 && status_.queued_bytes + bytes + frames * kFrameCostBytes >
                                         hub_.options().queue_bytes_max;
  if (!status_.can_send || is_full || bytes == 0 || bytes > PeerNetwork::kFrameBytesMax) {
    ++status_.frames_dropped;
    status_.bytes_dropped += bytes;
    return false;
  }
  status_.queued_bytes += bytes;
  queue_.push_back(std::move(frame));
  return true;
}

void PeerSender::Flush() {
  const std::lock_guard lock(mutex_);
  Pump();
}

PeerLinkStatus PeerSender::Status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void PeerSender::Drained() {
  const std::lock_guard lock(mutex_);
  CountSent();
  is_waiting_ = false;
  Pump();
}

void PeerSender::CountSent() {
  status_.bytes_out += kHeadBytes * written_frames_ + written_bytes_;
  status_.frames_out += std::exchange(written_frames_, 0);
  status_.queued_bytes -= std::exchange(written_bytes_, 0);
}

void PeerSender::Pump() {
  if (open_stream_ == nullptr || is_waiting_ || queue_.empty()) return;
  std::vector<std::string> burst;
  while (!queue_.empty() && written_bytes_ < kBurstBytes && written_frames_ < kBurstFrames) {
    ++written_frames_;
    written_bytes_ += queue_.front().size();
    burst.push_back(PeerFrameHead(queue_.front().size()));
    burst.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  is_waiting_ = !open_stream_->Send(std::move(burst));
  if (is_waiting_) return;
  CountSent();
  if (queue_.empty()) return;
  // A long queue is sent by the hub's thread: the caller has other things to do.
  is_waiting_ = true;
  asio::post(hub_.context(), [this, stream = open_stream_] {
    const std::lock_guard lock(mutex_);
    // Unless a Drained of something else has gone on already.
    if (stream != open_stream_ || written_frames_ > 0) return;
    is_waiting_ = false;
    Pump();
  });
}

void PeerSender::Dial() {
  if (state_ == State::kStopped) return;
  state_ = State::kDialling;
  deadline_us_ = SteadyMicroseconds() + hub_.options().times.hello_ms * 1'000;
  error_code error;
  const auto ip = asio::ip::make_address(address_.host, error);
  if (!error) return Resolved({tcp::endpoint(ip, address_.port)});
  resolver_.async_resolve(address_.host, std::to_string(address_.port),
                          tcp::resolver::numeric_service,
                          [this, attempt = attempt_](const error_code& failure,
                                                     const tcp::resolver::results_type& found) {
                            if (attempt != attempt_ || state_ != State::kDialling) return;
                            if (failure) {
                              return Fail("its name cannot be resolved: " + failure.message());
                            }
                            std::vector<tcp::endpoint> endpoints;
                            for (const auto& entry : found) endpoints.push_back(entry.endpoint());
                            Resolved(std::move(endpoints));
                          });
}

void PeerSender::Resolved(std::vector<tcp::endpoint> endpoints) {
  endpoints_ = std::move(endpoints);
  // They are tried in turn; one that swallows everything would use up the time of the others.
  const auto tried = static_cast<size_t>(failures_) % std::max<size_t>(endpoints_.size(), 1);
  std::rotate(endpoints_.begin(), endpoints_.begin() + static_cast<ptrdiff_t>(tried),
              endpoints_.end());
  socket_ = std::make_shared<tcp::socket>(hub_.context());
  // The operation uses the socket until its handler is called, even after a Fail.
  asio::async_connect(
      *socket_, endpoints_,
      [this, attempt = attempt_, socket = socket_](const error_code& error, const tcp::endpoint&) {
        if (attempt != attempt_ || state_ != State::kDialling) return;
        if (error) return Fail(error.message());
        Connected();
      });
}

void PeerSender::Connected() {
  // Dialling a free port of the own machine can meet itself: the system picks that port to dial
  // from. Then it has to be let go, or the peer could not listen there.
  error_code error;
  if (socket_->local_endpoint(error) == socket_->remote_endpoint(error)) {
    return Fail("nobody listens there");
  }
  state_ = State::kHello;
  input_.clear();
  heartbeats_ = PeerFrameReader(0);
  stream_ =
      std::make_shared<PeerStream>(std::move(*socket_), *this, hub_.options().times.silence_ms);
  socket_.reset();
  stream_->Start(SteadyMicroseconds());
  stream_->Send({EncodePeerHello(hub_.HelloTo(address_.id))});
}

std::string PeerSender::Received(std::string_view bytes) {
  if (state_ == State::kHello) {
    input_ += bytes;  // a hello that is not complete is short
    std::string_view rest = input_;
    absl::StatusOr<std::optional<PeerHello>> hello = TakePeerHello(rest);
    if (!hello.ok()) return std::string(hello.status().message());
    if (!hello->has_value()) return "";
    const std::string left(rest);
    input_ = std::string();
    std::string objection = HelloReceived(**std::move(hello));
    if (!objection.empty() || left.empty()) return objection;
    return Received(left);
  }
  const absl::Status status = heartbeats_.Feed(
      bytes, [](std::string) { return absl::InvalidArgumentError("it sent a frame"); });
  return std::string(status.message());
}

std::string PeerSender::HelloReceived(PeerHello hello) {
  if (hello.is_refused) return "it refuses: the dialler " + hello.reason;
  if (hello.node.slot != hub_.options().self.slot && hello.node.slot != address_.id) {
    return "node " + std::to_string(hello.node.slot) + " is there: correct --peers";
  }
  const std::string objection = hub_.Objection(hello, address_.id);
  if (!objection.empty()) return "it " + objection;

  state_ = State::kOpen;
  open_since_us_ = SteadyMicroseconds();
  generation_ = hello.node.generation;
  hub_.Connected(this, {hello.node, hello.store});
  {
    const std::lock_guard lock(mutex_);
    open_stream_ = stream_;
    status_.can_send = true;
    status_.generation = std::max(status_.generation, generation_);
    status_.connected_since_ms = NowMilliseconds();
    ++status_.connects;
  }
  hub_.LogChange(PeerLogLevel::kInfo, "connected to " + name());
  if (hub_.events().on_connection) hub_.events().on_connection(address_.id, true);
  return "";
}

void PeerSender::Fail(const std::string& why) {
  if (state_ == State::kStopped || state_ == State::kWaiting) return;
  const bool was_open = state_ == State::kOpen;
  state_ = State::kWaiting;
  CloseAll();
  hub_.Disconnected(this);
  {
    const std::lock_guard lock(mutex_);
    open_stream_.reset();
    status_.can_send = false;
    status_.connected_since_ms = 0;
    status_.last_error = why;
    status_.frames_dropped += queue_.size() + std::exchange(written_frames_, 0);
    status_.bytes_dropped += std::exchange(status_.queued_bytes, 0);
    written_bytes_ = 0;
    queue_.clear();
    is_waiting_ = false;
  }
  if (was_open) {
    hub_.LogChange(PeerLogLevel::kWarning, "lost " + name() + ": " + why);
  } else {
    hub_.Log(PeerLogLevel::kWarning, "cannot connect to " + name() + ": " + why);
  }
  if (was_open && hub_.events().on_connection) hub_.events().on_connection(address_.id, false);
  // What breaks as soon as it is connected is not dialled as fast as it breaks.
  const int64_t long_enough_us = hub_.options().times.redial_last_ms * 1'000;
  if (was_open && SteadyMicroseconds() - open_since_us_ > long_enough_us) failures_ = 0;
  DialLater();
}

void PeerSender::CloseAll() {
  ++attempt_;
  resolver_.cancel();
  error_code ignored;
  if (socket_ != nullptr) socket_->close(ignored);
  socket_.reset();
  if (stream_ != nullptr) stream_->Close();
}

void PeerSender::DialLater() {
  const PeerTimes& times = hub_.options().times;
  const int64_t delay =
      std::min(times.redial_last_ms, times.redial_first_ms << std::min(failures_, 20));
  ++failures_;
  std::uniform_int_distribution<int64_t> jitter(0, delay / 2);
  redial_.expires_after(std::chrono::milliseconds(delay + jitter(random_)));
  redial_.async_wait([this, attempt = attempt_](const error_code& error) {
    if (!error && attempt == attempt_ && state_ == State::kWaiting) Dial();
  });
}

void PeerSender::Sweep(int64_t now_us, int64_t stalled_us) {
  if (state_ == State::kDialling || state_ == State::kHello) {
    deadline_us_ += stalled_us;
    if (now_us > deadline_us_) {
      Fail("no answer within " + std::to_string(hub_.options().times.hello_ms) + " ms");
    }
  } else if (state_ == State::kOpen) {
    stream_->Sweep(now_us, hub_.options().times.heartbeat_ms * 1'000, PeerFrameHead(0), stalled_us);
  }
}

void PeerSender::PeerHasConnected(uint64_t generation) {
  {
    const std::lock_guard lock(mutex_);
    status_.generation = std::max(status_.generation, generation);
  }
  if (state_ == State::kOpen && generation_ < generation) {
    Fail("a later run of it has connected");
  } else if (state_ == State::kWaiting) {
    // It is there again: no need to wait any longer.
    redial_.cancel();
    Dial();
  }
}

void PeerSender::SetCanReceive(bool can_receive) {
  const std::lock_guard lock(mutex_);
  status_.can_receive = can_receive;
}

void PeerSender::CountReceived(uint64_t frames, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  status_.frames_in += frames;
  status_.bytes_in += bytes;
}

void PeerSender::Stop() {
  state_ = State::kStopped;
  redial_.cancel();
  CloseAll();
  const std::lock_guard lock(mutex_);
  open_stream_.reset();
  status_.can_send = status_.can_receive = false;
  status_.queued_bytes = 0;
  queue_.clear();
}

}  // namespace kvserver
