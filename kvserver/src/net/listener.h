// The Listener accepts connections and hands them to the I/O threads in turn.
#ifndef KVSERVER_SRC_NET_LISTENER_H_
#define KVSERVER_SRC_NET_LISTENER_H_

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "net/io_thread.h"

namespace kvserver {

class Listener {
 public:
  // Accepts on the first thread.
  explicit Listener(std::vector<std::unique_ptr<IoThread>>& threads);

  // Unavailable: the port is taken; InvalidArgument: no such address. Port 0: one that is free.
  absl::Status Listen(const std::string& address, uint16_t port);
  uint16_t port() const { return port_; }

  void Accept();  // to be called once the threads run
  void Close();   // any thread

 private:
  void Accepted(boost::asio::ip::tcp::socket socket);

  std::vector<std::unique_ptr<IoThread>>& threads_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  uint16_t port_ = 0;
  size_t next_ = 0;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_LISTENER_H_
