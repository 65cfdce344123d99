// One TCP connection without blocking calls: whoever waits says until when.
#ifndef KVSERVER_CLIENT_SRC_SOCKET_H_
#define KVSERVER_CLIENT_SRC_SOCKET_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace kvclient {

using Moment = std::chrono::steady_clock::time_point;

// "host:port", "[v6]:port" or "host".
struct Address {
  std::string host, port;
};
absl::StatusOr<Address> ParseAddress(std::string_view text);

class Socket {
 public:
  Socket() = default;
  ~Socket() { Close(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // DeadlineExceeded or Unavailable; of several addresses of a host, what the last one said.
  absl::Status Connect(const Address& address, Moment deadline);
  void Close();
  bool is_open() const { return fd_ >= 0; }

  // Whether the other side has closed, as far as is known without waiting.
  bool IsGone() const;

  enum class Ready { kNothing, kRead, kWrite, kBoth };
  // Waits until there is something to read or, with `wants_write`, room to write. kNothing: the
  // deadline has passed.
  Ready Wait(bool wants_write, Moment deadline) const;

  // How many bytes were taken without waiting; Unavailable: the connection is lost.
  absl::StatusOr<size_t> Send(std::string_view bytes);
  absl::StatusOr<size_t> Receive(std::string& buffer);  // appends

 private:
  int fd_ = -1;
};

}  // namespace kvclient

#endif  // KVSERVER_CLIENT_SRC_SOCKET_H_
