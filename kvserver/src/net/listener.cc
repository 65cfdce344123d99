#include "net/listener.h"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace kvserver {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr int kBacklog = 1'024;
// When no file descriptor is left, accepting again at once would fail again at once.
constexpr auto kPause = std::chrono::milliseconds(100);

}  // namespace

Listener::Listener(std::vector<std::unique_ptr<IoThread>>& threads)
    : threads_(threads), acceptor_(threads[0]->context()), pause_(threads[0]->context()) {}

absl::Status Listener::Listen(const std::string& address, uint16_t port) {
  error_code error;
  const auto parsed = boost::asio::ip::make_address(address, error);
  if (error) {
    return absl::InvalidArgumentError("cannot listen on '" + address +
                                      "': give an IP address such as 127.0.0.1 or ::");
  }
  const tcp::endpoint endpoint(parsed, port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(kBacklog, error);
  if (error == boost::asio::error::address_in_use) {
    return absl::UnavailableError("port " + std::to_string(port) + " on " + address +
                                  " is taken: another server runs there, or choose another port "
                                  "with --listen");
  }
  if (error) {
    return absl::UnavailableError("cannot listen on " + address + ", port " + std::to_string(port) +
                                  ": " + error.message());
  }
  port_ = acceptor_.local_endpoint(error).port();
  return absl::OkStatus();
}

void Listener::Accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error == boost::asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (!error) {
      Accepted(std::move(socket));
    } else if (error == boost::asio::error::no_descriptors ||
               error == boost::asio::error::no_buffer_space) {
      pause_.expires_after(kPause);
      pause_.async_wait([this](const error_code& aborted) {
        if (!aborted) Accept();
      });
      return;
    }
    Accept();
  });
}

void Listener::Accepted(tcp::socket socket) {
  IoThread& thread = *threads_[next_++ % threads_.size()];
  Node& node = thread.node();
  error_code error;
  if (static_cast<int64_t>(node.clients().size()) >= node.settings().clients_max.load()) {
    node.rejected_connections.fetch_add(1, std::memory_order_relaxed);
    socket.non_blocking(true, error);
    constexpr std::string_view kRefusal = "-ERR max number of clients reached\r\n";
    socket.write_some(boost::asio::buffer(kRefusal), error);
    return;
  }
  const bool is_v6 = socket.local_endpoint(error).address().is_v6();
  const auto handle = socket.release(error);
  if (!error) thread.Adopt(handle, is_v6);
}

void Listener::Close() {
  boost::asio::post(threads_[0]->context(), [this] {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  });
}

}  // namespace kvserver
