#include "net/load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace libkv::perf {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, what.c_str());
  std::exit(1);
}

int Connect(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    Die("cannot connect to port " + std::to_string(port) + ": " + std::strerror(errno));
  }
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return fd;
}

struct Connection {
  int fd = -1;
  std::string out, in;
  size_t sent = 0;
  int missing = 0;  // replies
  bool is_new = true;
  Clock::time_point start;
};

void SendSome(Connection& connection) {
  while (connection.sent < connection.out.size()) {
    const ssize_t sent = send(connection.fd, connection.out.data() + connection.sent,
                              connection.out.size() - connection.sent, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (sent <= 0) Die(std::string("send: ") + std::strerror(errno));
    connection.sent += static_cast<size_t>(sent);
  }
}

// True when the round is complete.
bool ReceiveSome(Connection& connection, const Dialect& dialect) {
  static thread_local std::vector<char> buffer(1 << 18);
  const ssize_t got = recv(connection.fd, buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  if (got <= 0) Die("the server has closed a connection");
  connection.in.append(buffer.data(), static_cast<size_t>(got));
  size_t at = 0;
  while (connection.missing > 0) {
    const size_t bytes = dialect.reply(std::string_view(connection.in).substr(at));
    if (bytes == 0) break;
    at += bytes;
    --connection.missing;
  }
  connection.in.erase(0, at);
  return connection.missing == 0;
}

double Percentile(std::vector<float>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

}  // namespace

LoadResult RunLoad(const Dialect& dialect, const LoadSettings& settings) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections(static_cast<size_t>(settings.connections));
  uint64_t next = settings.first;
  const uint64_t last =
      settings.operations_max == 0 ? UINT64_MAX : settings.first + settings.operations_max;
  const auto begin_round = [&](Connection& connection) {
    connection.out = connection.is_new ? dialect.greeting : "";
    connection.is_new = false;
    connection.sent = 0;
    connection.missing = settings.depth;
    for (int i = 0; i < settings.depth; ++i) dialect.request(connection.out, next++);
    connection.start = Clock::now();
    SendSome(connection);
  };
  for (size_t i = 0; i < connections.size(); ++i) {
    connections[i].fd = Connect(settings.ports[i % settings.ports.size()]);
    fcntl(connections[i].fd, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = i;
    epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
  }
  LoadResult result;
  std::vector<float> latencies;
  const Clock::time_point start = Clock::now();
  const Clock::time_point end = start + std::chrono::duration_cast<Clock::duration>(
                                            std::chrono::duration<double>(settings.seconds));
  size_t running = 0;
  for (Connection& connection : connections) {
    if (next >= last) break;
    begin_round(connection);
    ++running;
  }
  std::vector<epoll_event> events(connections.size());
  Clock::time_point last_answer = start;
  while (running > 0) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 30'000);
    if (count <= 0) Die("no answer within 30 s");
    for (int i = 0; i < count; ++i) {
      Connection& connection = connections[events[static_cast<size_t>(i)].data.u64];
      if (connection.missing == 0) continue;
      SendSome(connection);
      while (connection.missing > 0) {
        const size_t before = connection.in.size();
        const int missing = connection.missing;
        if (ReceiveSome(connection, dialect)) break;
        if (connection.in.size() == before && connection.missing == missing) break;
      }
      if (connection.missing > 0) continue;
      const Clock::time_point now = Clock::now();
      result.longest_gap_ms =
          std::max(result.longest_gap_ms,
                   std::chrono::duration<double, std::milli>(now - last_answer).count());
      last_answer = now;
      latencies.push_back(std::chrono::duration<float, std::micro>(now - connection.start).count());
      result.operations += static_cast<uint64_t>(settings.depth);
      if (now < end && next < last) {
        begin_round(connection);
      } else {
        --running;
      }
    }
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  for (const Connection& connection : connections) close(connection.fd);
  close(epoll);
  std::sort(latencies.begin(), latencies.end());
  result.p50_us = Percentile(latencies, 0.5);
  result.p99_us = Percentile(latencies, 0.99);
  return result;
}

AskingConnection::AskingConnection(uint16_t port, Dialect dialect)
    : dialect_(std::move(dialect)), fd_(Connect(port)) {}

AskingConnection::~AskingConnection() { close(fd_); }

std::string AskingConnection::Ask(std::string_view request) {
  Connection connection;
  connection.fd = fd_;
  connection.out = request;
  SendSome(connection);
  std::string reply;
  while (true) {
    char buffer[65536];
    const ssize_t got = recv(fd_, buffer, sizeof(buffer), 0);
    if (got <= 0) Die("no reply");
    reply.append(buffer, static_cast<size_t>(got));
    if (const size_t bytes = dialect_.reply(reply); bytes > 0) return reply.substr(0, bytes);
  }
}

std::string Ask(uint16_t port, std::string_view request, const Dialect& dialect) {
  return AskingConnection(port, dialect).Ask(request);
}

}  // namespace libkv::perf
