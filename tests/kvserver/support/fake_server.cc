#include "kvserver/support/fake_server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace kvserver {
namespace {

int ListenAnywhere(uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(listen(fd, 16) == 0);
  socklen_t length = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

FakeServer::FakeServer(std::vector<std::string> script) : script_(std::move(script)) {
  listener_ = ListenAnywhere(port_);
  REQUIRE(pipe(wake_) == 0);
  thread_ = std::thread([this] { Run(); });
}

FakeServer::~FakeServer() {
  static_cast<void>(!write(wake_[1], "x", 1));
  thread_.join();
  for (const int fd : {listener_, wake_[0], wake_[1]}) close(fd);
}

void FakeServer::Run() {
  while (true) {
    pollfd items[2] = {{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    poll(items, 2, -1);
    if (items[1].revents != 0) return;
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0) continue;
    Serve(fd);
    close(fd);
  }
}

void FakeServer::Serve(int fd) {
  char bytes[65536];
  while (true) {
    pollfd items[2] = {{fd, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    poll(items, 2, -1);
    if (items[1].revents != 0) return;
    if (recv(fd, bytes, sizeof(bytes), 0) <= 0) return;
    const auto burst = static_cast<size_t>(bursts_++);
    if (burst >= script_.size()) return;
    std::string answer = script_[burst];
    if (answer == kSilence) continue;
    const bool closes = answer.ends_with(kClose);
    if (closes) answer.pop_back();
    static_cast<void>(!send(fd, answer.data(), answer.size(), MSG_NOSIGNAL));
    if (closes) return;
  }
}

std::string DeadAddress() {
  uint16_t port = 0;
  close(ListenAnywhere(port));
  return "127.0.0.1:" + std::to_string(port);
}

}  // namespace kvserver
