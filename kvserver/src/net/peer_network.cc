#include "net/peer_network.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "net/peer_hub.h"
#include "net/peer_receiver.h"
#include "net/peer_sender.h"

namespace kvserver {
namespace {

using boost::system::error_code;
namespace asio = boost::asio;
using asio::ip::tcp;

constexpr int kBacklog = 128;
// When no file descriptor is left, accepting again at once would fail again at once.
constexpr auto kPause = std::chrono::milliseconds(100);

absl::Status Check(const PeerNetworkOptions& options) {
  const auto refuse = [](const std::string& what) { return absl::InvalidArgumentError(what); };
  if (options.cluster.empty() || options.cluster.size() > kClusterNameBytesMax) {
    return refuse("the name of the cluster has " + std::to_string(options.cluster.size()) +
                  " bytes: give it 1 to " + std::to_string(kClusterNameBytesMax));
  }
  for (const char c : options.cluster) {
    if (static_cast<uint8_t>(c) < ' ' || c == '\x7F') {
      return refuse("the name of the cluster has a control character");
    }
  }
  if (options.store_id.size() != kStoreIdBytes) {
    return refuse("the store's id has " + std::to_string(options.store_id.size()) +
                  " bytes and should have " + std::to_string(kStoreIdBytes));
  }
  std::set<cluster::Slot> ids = {options.self.slot};
  for (const PeerAddress& peer : options.peers) {
    if (!ids.insert(peer.id).second) {
      return refuse("node " + std::to_string(peer.id) +
                    (peer.id == options.self.slot ? " is this node, and cannot be its own peer"
                                                  : " is named twice among the peers"));
    }
    if (peer.host.empty() || peer.port == 0) {
      return refuse("node " + std::to_string(peer.id) + " has no address");
    }
  }
  return absl::OkStatus();
}

}  // namespace

class PeerNetwork::Impl : public PeerReceiver::Listener {
 public:
  Impl(PeerNetworkOptions options, PeerEvents events)
      : hub_(context_, std::move(options), std::move(events)),
        work_(asio::make_work_guard(context_)),
        acceptor_(context_),
        pause_(context_),
        sweeper_(context_) {
    for (const PeerAddress& peer : hub_.options().peers) {
      senders_[peer.id] = std::make_unique<PeerSender>(hub_, peer);
    }
    const PeerTimes& times = hub_.options().times;
    sweep_ms_ = std::clamp<int64_t>(std::min(times.heartbeat_ms, times.silence_ms) / 4, 5, 250);
  }

  absl::Status Listen();
  void Start();
  void Stop();

  uint16_t port() const { return port_; }
  PeerSender* sender(cluster::Slot slot) const {
    const auto found = senders_.find(slot);
    return found == senders_.end() ? nullptr : found->second.get();
  }
  const std::map<cluster::Slot, std::unique_ptr<PeerSender>>& senders() const { return senders_; }

 private:
  void Accept();
  void Accepted(tcp::socket socket);
  void Sweep();

  void Identified(PeerReceiver& receiver, cluster::Actor node) override;
  absl::Status Frame(cluster::Slot from, std::string frame) override;
  void Gone(PeerReceiver& receiver) override;

  asio::io_context context_{1};
  PeerHub hub_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_, sweeper_;
  uint16_t port_ = 0;
  std::map<cluster::Slot, std::unique_ptr<PeerSender>> senders_;  // fixed after construction
  std::map<PeerReceiver*, std::unique_ptr<PeerReceiver>> receivers_;
  int64_t sweep_ms_ = 0, last_sweep_us_ = 0;
  std::thread thread_;
};

absl::Status PeerNetwork::Impl::Listen() {
  const std::string& address = hub_.options().address;
  const uint16_t port = hub_.options().port;
  error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  if (error) {
    return absl::InvalidArgumentError("cannot listen for peers on '" + address +
                                      "': give an IP address such as 127.0.0.1 or ::");
  }
  const tcp::endpoint endpoint(parsed, port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(kBacklog, error);
  if (error == asio::error::address_in_use) {
    return absl::UnavailableError("port " + std::to_string(port) + " on " + address +
                                  ", for peers, is taken: another server runs there, or choose "
                                  "another port for this node");
  }
  if (error) {
    return absl::UnavailableError("cannot listen for peers on " + address + ", port " +
                                  std::to_string(port) + ": " + error.message());
  }
  port_ = acceptor_.local_endpoint(error).port();
  return absl::OkStatus();
}

void PeerNetwork::Impl::Start() {
  thread_ = std::thread([this] { context_.run(); });
  asio::post(context_, [this] {
    last_sweep_us_ = SteadyMicroseconds();
    Accept();
    Sweep();
    for (const auto& [slot, sender] : senders_) sender->Dial();
  });
}

void PeerNetwork::Impl::Stop() {
  if (!thread_.joinable()) return;
  asio::post(context_, [this] {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    sweeper_.cancel();
    for (const auto& [slot, sender] : senders_) sender->Stop();
    receivers_.clear();
    // What is left are handlers of closed sockets, which find that out.
    context_.stop();
  });
  thread_.join();
}

void PeerNetwork::Impl::Accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (!error) {
      Accepted(std::move(socket));
    } else if (error == asio::error::no_descriptors || error == asio::error::no_buffer_space) {
      pause_.expires_after(kPause);
      pause_.async_wait([this](const error_code& aborted) {
        if (!aborted) Accept();
      });
      return;
    }
    Accept();
  });
}

void PeerNetwork::Impl::Accepted(tcp::socket socket) {
  const auto strangers = std::count_if(receivers_.begin(), receivers_.end(), [](const auto& entry) {
    return !entry.second->is_identified();
  });
  if (static_cast<size_t>(strangers) >= kStrangersMax) {
    hub_.Log(PeerLogLevel::kWarning,
             "too many connections to the port for peers that do not say "
             "who they are: new ones are closed");
    return;
  }
  auto receiver = std::make_unique<PeerReceiver>(hub_, *this, std::move(socket));
  PeerReceiver& started = *receiver;
  receivers_[&started] = std::move(receiver);
  started.Start();
}

void PeerNetwork::Impl::Identified(PeerReceiver& receiver, cluster::Actor node) {
  std::vector<PeerReceiver*> older;
  for (const auto& [other, owned] : receivers_) {
    if (other == &receiver || !other->is_identified()) continue;
    if (other->node().slot == node.slot) older.push_back(other);
  }
  for (PeerReceiver* const each : older) each->Close("it has connected again");
  hub_.LogChange(PeerLogLevel::kInfo, "node " + std::to_string(node.slot) + " has connected");
  if (PeerSender* const own = sender(node.slot); own != nullptr) {
    own->PeerHasConnected(node.generation);
    own->SetCanReceive(true);
  }
}

absl::Status PeerNetwork::Impl::Frame(cluster::Slot from, std::string frame) {
  sender(from)->CountReceived(1, frame.size() + 4);
  return hub_.events().on_message(from, std::move(frame));
}

void PeerNetwork::Impl::Gone(PeerReceiver& receiver) {
  const cluster::Slot slot = receiver.node().slot;
  const bool has_another = std::any_of(receivers_.begin(), receivers_.end(), [&](const auto& e) {
    return e.first != &receiver && e.first->is_identified() && e.first->node().slot == slot;
  });
  PeerSender* const own = sender(slot);
  if (own != nullptr && !has_another) own->SetCanReceive(false);
  // It may be in the middle of its work.
  asio::post(context_, [this, gone = &receiver] { receivers_.erase(gone); });
}

void PeerNetwork::Impl::Sweep() {
  const int64_t now = SteadyMicroseconds();
  // If this thread was held up, everybody seems to have been silent; what they sent is still to be
  // read.
  const int64_t late = now - last_sweep_us_ - sweep_ms_ * 1'000;
  const int64_t stalled = late > sweep_ms_ * 1'000 ? late : 0;
  last_sweep_us_ = now;
  for (const auto& [slot, sender] : senders_) sender->Sweep(now, stalled);
  std::vector<PeerReceiver*> receivers;
  for (const auto& [receiver, owned] : receivers_) receivers.push_back(receiver);
  for (PeerReceiver* const receiver : receivers) receiver->Sweep(now, stalled);
  sweeper_.expires_after(std::chrono::milliseconds(sweep_ms_));
  sweeper_.async_wait([this](const error_code& error) {
    if (!error) Sweep();
  });
}

PeerNetwork::PeerNetwork() = default;

PeerNetwork::~PeerNetwork() {
  if (impl_ != nullptr) impl_->Stop();
}

absl::StatusOr<std::unique_ptr<PeerNetwork>> PeerNetwork::Start(PeerNetworkOptions options,
                                                                PeerEvents events) {
  if (absl::Status good = Check(options); !good.ok()) return good;
  std::unique_ptr<PeerNetwork> network(new PeerNetwork());
  network->impl_ = std::make_unique<Impl>(std::move(options), std::move(events));
  if (absl::Status listening = network->impl_->Listen(); !listening.ok()) return listening;
  network->impl_->Start();
  return network;
}

uint16_t PeerNetwork::port() const { return impl_->port(); }

bool PeerNetwork::Send(cluster::Slot to, std::string frame) {
  PeerSender* const sender = impl_->sender(to);
  return sender != nullptr && sender->Send(std::move(frame));
}

void PeerNetwork::Flush() {
  for (const auto& [slot, sender] : impl_->senders()) sender->Flush();
}

std::vector<PeerLinkStatus> PeerNetwork::Status() const {
  std::vector<PeerLinkStatus> all;
  for (const auto& [slot, sender] : impl_->senders()) all.push_back(sender->Status());
  return all;
}

}  // namespace kvserver
