#include "socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "kvclient/client.h"

namespace kvclient {
namespace {

constexpr size_t kReceiveBytes = size_t{64} << 10;

std::string SystemMessage(int error) { return std::generic_category().message(error); }

// Rounded up, so that a deadline is not waited for in a circle.
int MillisecondsTo(Moment deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000'000));
}

// poll() until an event, or 0 when the deadline has passed.
short WaitFor(int fd, short events, Moment deadline) {
  while (true) {
    pollfd item{.fd = fd, .events = events, .revents = 0};
    const int count = poll(&item, 1, MillisecondsTo(deadline));
    if (count > 0) return item.revents;
    if (count < 0 && errno != EINTR) return POLLERR;
    if (count == 0 && std::chrono::steady_clock::now() >= deadline) return 0;
  }
}

absl::Status ConnectOne(int fd, const addrinfo& target, Moment deadline) {
  if (connect(fd, target.ai_addr, target.ai_addrlen) == 0) return absl::OkStatus();
  if (errno != EINPROGRESS) return absl::UnavailableError(SystemMessage(errno));
  if (WaitFor(fd, POLLOUT, deadline) == 0) {
    return absl::DeadlineExceededError("no connection within the time given");
  }
  int error = 0;
  socklen_t length = sizeof(error);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return absl::UnavailableError(SystemMessage(error));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Address> ParseAddress(std::string_view text) {
  const auto wrong = [&] {
    return absl::InvalidArgumentError("'" + std::string(text) +
                                      "' is no address: give HOST:PORT, such as 127.0.0.1:7411");
  };
  Address address;
  std::string_view rest;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong();
    address.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const size_t colon = text.find(':');
    address.host = text.substr(0, colon);
    if (colon != std::string_view::npos) rest = text.substr(colon);
  }
  address.port = std::to_string(kDefaultPort);
  if (!rest.empty()) {
    if (rest[0] != ':' || rest.size() < 2 || rest.size() > 6) return wrong();
    address.port = rest.substr(1);
    if (address.port.find_first_not_of("0123456789") != std::string::npos) return wrong();
    if (std::stoi(address.port) > 65'535) return wrong();
  }
  if (address.host.empty() || address.host.find('\0') != std::string::npos) return wrong();
  return address;
}

absl::Status Socket::Connect(const Address& address, Moment deadline) {
  Close();
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(std::string("the host is not known: ") + gai_strerror(error));
  }
  absl::Status status = absl::UnavailableError("the host has no address");
  for (const addrinfo* target = found; target != nullptr; target = target->ai_next) {
    fd_ = socket(target->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) {
      status = absl::UnavailableError(SystemMessage(errno));
      continue;
    }
    status = ConnectOne(fd_, *target, deadline);
    if (status.ok()) break;
    Close();
  }
  freeaddrinfo(found);
  if (!status.ok()) return status;
  const int one = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return status;
}

void Socket::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool Socket::IsGone() const {
  char byte = 0;
  const ssize_t count = recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (count == 0) return true;
  return count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
}

Socket::Ready Socket::Wait(bool wants_write, Moment deadline) const {
  const short events =
      WaitFor(fd_, static_cast<short>(wants_write ? POLLIN | POLLOUT : POLLIN), deadline);
  if (events == 0) return Ready::kNothing;
  const bool can_write = (events & POLLOUT) != 0;
  const bool can_read = (events & ~POLLOUT) != 0;  // an error is read, too
  if (can_read && can_write) return Ready::kBoth;
  return can_read ? Ready::kRead : Ready::kWrite;
}

absl::StatusOr<size_t> Socket::Send(std::string_view bytes) {
  const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return static_cast<size_t>(count);
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return 0;
  return absl::UnavailableError(SystemMessage(errno));
}

absl::StatusOr<size_t> Socket::Receive(std::string& buffer) {
  const size_t before = buffer.size();
  buffer.resize(before + kReceiveBytes);
  const ssize_t count = recv(fd_, buffer.data() + before, kReceiveBytes, 0);
  const int error = errno;
  buffer.resize(before + static_cast<size_t>(std::max<ssize_t>(count, 0)));
  if (count > 0) return static_cast<size_t>(count);
  if (count == 0) return absl::UnavailableError("the server closed the connection");
  if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR) return 0;
  return absl::UnavailableError(SystemMessage(error));
}

}  // namespace kvclient
