#include "kvserver/support/redis_server.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "support/loopback.h"

namespace kvserver {

std::unique_ptr<RedisServer> RedisServer::Start() {
  if (libkv::FindProgram("redis-server").empty()) return nullptr;
  std::unique_ptr<RedisServer> server(new RedisServer());
  // Another process may take the port between the look and the start.
  for (int i = 0; i < 3; ++i) {
    if (server->TryStart()) return server;
  }
  FAIL("redis-server does not start");
  return nullptr;
}

bool RedisServer::TryStart() {
  port_ = libkv::FreePort();
  const std::string program = libkv::FindProgram("redis-server");
  const std::string port = std::to_string(port_), dir = dir_.path("redis");
  std::filesystem::create_directories(dir);
  pid_ = fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    const int null = open("/dev/null", O_RDWR);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execl(program.c_str(), "redis-server", "--port", port.c_str(), "--bind", "127.0.0.1", "--dir",
          dir.c_str(), "--save", "", "--appendonly", "no", "--databases", "1",
          "--proto-max-bulk-len", "64mb", static_cast<char*>(nullptr));
    _exit(127);
  }
  for (int i = 0; i < 500; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return false;
    }
    if (libkv::Accepts(port_)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

RedisServer::~RedisServer() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

}  // namespace kvserver
