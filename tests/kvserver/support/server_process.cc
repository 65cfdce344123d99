#include "kvserver/support/server_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "kvserver/support/run_program.h"

namespace kvserver {
namespace {

constexpr int kWaitsMax = 2'000;
constexpr auto kWait = std::chrono::milliseconds(10);

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& arguments,
                             const std::vector<std::string>& environment,
                             const std::vector<std::string>& prefix) {
  std::vector<std::string> all = prefix;
  all.push_back(KVSERVER_BINARY);
  all.insert(all.end(), arguments.begin(), arguments.end());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, dir_.path("log").c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  const int error = posix_spawn(&pid_, all[0].c_str(), &actions, nullptr, Pointers(all).data(),
                                Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  REQUIRE(error == 0);
}

ServerProcess::~ServerProcess() {
  if (HasEnded()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool ServerProcess::HasEnded() {
  if (!has_ended_) has_ended_ = waitpid(pid_, &status_, WNOHANG) == pid_;
  return has_ended_;
}

uint16_t ServerProcess::WaitForPort() {
  constexpr std::string_view kReady = "ready on port ";
  for (int i = 0; i < kWaitsMax; ++i) {
    const bool has_ended = HasEnded();
    const std::string text = log();
    const size_t at = text.find(kReady);
    if (at != std::string::npos && text.find('\n', at) != std::string::npos) {
      return static_cast<uint16_t>(std::atoi(text.c_str() + at + kReady.size()));
    }
    REQUIRE_MESSAGE(!has_ended, "the server has ended: " << text);
    std::this_thread::sleep_for(kWait);
  }
  FAIL("the server is not ready: " << log());
  return 0;
}

int ServerProcess::WaitForEnd() {
  for (int i = 0; i < kWaitsMax; ++i) {
    if (HasEnded()) return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
    std::this_thread::sleep_for(kWait);
  }
  FAIL("the server does not end: " << log());
  return -1;
}

int ServerProcess::End(int signal) {
  kill(pid_, signal);
  return WaitForEnd();
}

std::string ServerProcess::log() const { return ReadFile(dir_.path("log")); }

}  // namespace kvserver
