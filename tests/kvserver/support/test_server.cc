#include "kvserver/support/test_server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace kvserver {

TestServer::TestServer(const SettingsValues& settings, const libkv::Options& options) {
  config_.settings = settings;
  config_.settings.port = 0;
  config_.settings.data_dir = dir_.path() + "/store";
  config_.store = options;
  Start();
}

void TestServer::Start() {
  auto server = Server::Start(config_);
  REQUIRE_MESSAGE(server.ok(), std::string(server.status().message()));
  server_ = *std::move(server);
}

void TestServer::Restart() {
  server_.reset();
  Start();
}

TestClient::TestClient(uint16_t port) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(fd_ >= 0);
  const timeval timeout{.tv_sec = 60, .tv_usec = 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
  const int one = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
}

TestClient::~TestClient() { close(fd_); }

void TestClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the server has closed: the reads will tell
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

bool TestClient::Fill() {
  char chunk[65536];
  const ssize_t got = recv(fd_, chunk, sizeof(chunk), 0);
  if (got < 0) REQUIRE_MESSAGE(errno == ECONNRESET, "no answer within 60 s");
  if (got <= 0) return false;
  buffer_.append(chunk, static_cast<size_t>(got));
  return true;
}

std::string TestClient::Read(size_t bytes) {
  while (buffer_.size() < bytes) REQUIRE_MESSAGE(Fill(), "closed after: " << buffer_);
  std::string result = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return result;
}

std::string TestClient::ReadLine() {
  size_t end = buffer_.find('\n');
  while (end == std::string::npos) {
    REQUIRE_MESSAGE(Fill(), "closed after: " << buffer_);
    end = buffer_.find('\n');
  }
  return Read(end + 1);
}

std::string TestClient::ReadToEnd() {
  while (Fill()) continue;
  return std::exchange(buffer_, {});
}

bool TestClient::IsClosed() { return buffer_.empty() && !Fill(); }

void TestClient::CloseWriting() { shutdown(fd_, SHUT_WR); }

std::string RespRequest(const std::vector<std::string>& arguments) {
  std::string request = "*" + std::to_string(arguments.size()) + "\r\n";
  for (const std::string& argument : arguments) {
    request += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
  }
  return request;
}

std::string TestClient::Ask(const std::vector<std::string>& arguments) {
  Send(RespRequest(arguments));
  return ReadReply();
}

std::string TestClient::ReadReply() {
  std::string reply = ReadLine();
  const long long count = reply.size() > 1 ? std::atoll(reply.c_str() + 1) : 0;
  switch (reply[0]) {
    case '$':
    case '=':
      if (count >= 0) reply += Read(static_cast<size_t>(count) + 2);
      break;
    case '*':
    case '~':
    case '>':
      for (long long i = 0; i < count; ++i) reply += ReadReply();
      break;
    case '%':
      for (long long i = 0; i < 2 * count; ++i) reply += ReadReply();
      break;
    default:
      break;
  }
  return reply;
}

}  // namespace kvserver
