#include "net/peer_receiver.h"

#include <optional>
#include <utility>

#include "base/clock.h"

namespace kvserver {

PeerReceiver::PeerReceiver(PeerHub& hub, Listener& listener, boost::asio::ip::tcp::socket socket)
    : hub_(hub), listener_(listener) {
  boost::system::error_code ignored;
  address_ = socket.remote_endpoint(ignored).address().to_string();
  stream_ = std::make_shared<PeerStream>(std::move(socket), *this, hub.options().times.silence_ms);
}

PeerReceiver::~PeerReceiver() { stream_->Close(); }

void PeerReceiver::Start() {
  const int64_t now = SteadyMicroseconds();
  deadline_us_ = now + hub_.options().times.hello_ms * 1'000;
  stream_->Start(now);
}

std::string PeerReceiver::name() const {
  return state_ == State::kOpen
             ? "the connection from node " + std::to_string(node_.slot) + " at " + address_
             : "a connection from " + address_ + " to the port for peers";
}

std::string PeerReceiver::Received(std::string_view bytes) {
  has_spoken_ = true;
  if (state_ == State::kHello) {
    input_ += bytes;  // a hello that is not complete is short
    std::string_view rest = input_;
    const absl::StatusOr<std::optional<PeerHello>> hello = TakePeerHello(rest);
    if (!hello.ok()) return std::string(hello.status().message());
    if (!hello->has_value()) return "";
    const std::string left(rest);
    input_ = std::string();
    std::string why = HelloReceived(**hello);
    if (!why.empty() || left.empty()) return why;
    return Received(left);
  }
  if (state_ != State::kOpen) return "";
  const absl::Status status = frames_.Feed(bytes, [this](std::string frame) {
    if (state_ != State::kOpen) return absl::OkStatus();
    return listener_.Frame(node_.slot, std::move(frame));
  });
  if (!status.ok()) frames_ = PeerFrameReader(0);  // what ends it is not that a part is missing
  return std::string(status.message());
}

std::string PeerReceiver::HelloReceived(const PeerHello& hello) {
  if (hello.is_refused) return "its hello refuses before it was asked";
  PeerHello answer = hub_.HelloTo(hello.node.slot);
  answer.reason = hub_.Objection(hello, hello.node.slot);
  answer.is_refused = !answer.reason.empty();
  stream_->Send({EncodePeerHello(answer)});
  if (answer.is_refused) {
    hub_.Log(PeerLogLevel::kWarning, "refused " + name() + ": the dialler " + answer.reason);
    state_ = State::kRefused;
    stream_->CloseWhenDrained();
    return "";
  }
  state_ = State::kOpen;
  node_ = hello.node;
  listener_.Identified(*this, node_);
  hub_.Connected(this, {hello.node, hello.store});
  return "";
}

void PeerReceiver::Lost(const std::string& why) {
  // Who connects and says nothing is a probe of somebody's monitoring, not worth a line.
  const bool is_probe = state_ == State::kHello && !has_spoken_;
  if (state_ != State::kRefused && !is_probe) {
    const std::string cut =
        state_ == State::kOpen && !frames_.is_between_frames() ? " in the middle of a frame" : "";
    const std::string line = "closed " + name() + cut + ": " + why;
    if (state_ == State::kOpen) {
      hub_.LogChange(PeerLogLevel::kWarning, line);
    } else {
      hub_.Log(PeerLogLevel::kWarning, line);
    }
  }
  state_ = State::kGone;
  hub_.Disconnected(this);
  listener_.Gone(*this);
}

void PeerReceiver::Close(const std::string& why) {
  if (!stream_->is_open()) return;
  stream_->Close();
  Lost(why);
}

void PeerReceiver::Sweep(int64_t now_us, int64_t stalled_us) {
  if (state_ == State::kHello) {
    deadline_us_ += stalled_us;
    if (now_us > deadline_us_) Close("it did not say who it is");
    return;
  }
  stream_->Sweep(now_us, hub_.options().times.heartbeat_ms * 1'000, PeerFrameHead(0), stalled_us);
}

}  // namespace kvserver
