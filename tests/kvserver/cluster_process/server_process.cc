#include "kvserver/cluster_process/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace kvserver::cluster_process {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLook = std::chrono::milliseconds(2);

// The number behind the last `name` of `text`; 0: there is none.
uint16_t NumberAfter(const std::string& text, const std::string& name) {
  const size_t at = text.rfind(name);
  if (at == std::string::npos) return 0;
  return static_cast<uint16_t>(std::atoi(text.c_str() + at + name.size()));
}

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& arguments, std::string log)
    : log_(std::move(log)) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  const int file = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) throw std::runtime_error("cannot write " + log_);
  log_begin_ = lseek(file, 0, SEEK_END);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    // Only what is allowed after a fork among threads.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error, as on a full disk
    execv(pointers[0], pointers.data());
    _exit(127);
  }
  close(file);
  if (pid_ < 0) throw std::runtime_error("cannot start a process");
}

ServerProcess::~ServerProcess() { Kill(); }

std::string ServerProcess::Said() const {
  std::ifstream in(log_, std::ios::binary);
  in.seekg(log_begin_);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool ServerProcess::WaitForPorts(std::chrono::milliseconds longest) {
  const Clock::time_point end = Clock::now() + longest;
  while (Clock::now() < end) {
    const bool was_running = is_running();
    const std::string said = Said();
    // A line that is not whole yet has half a number.
    if (said.ends_with('\n')) {
      port_ = NumberAfter(said, " port=");
      peer_port_ = NumberAfter(said, " peer_port=");
      if (port_ != 0 && peer_port_ != 0) return true;
    }
    if (!was_running) return false;
    std::this_thread::sleep_for(kLook);
  }
  return false;
}

bool ServerProcess::is_running() { return !ended().has_value(); }

std::optional<int> ServerProcess::ended() {
  if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
  if (pid_ > 0) return std::nullopt;
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
}

bool ServerProcess::WaitForEnd(std::chrono::milliseconds longest) {
  const Clock::time_point end = Clock::now() + longest;
  while (is_running()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(kLook);
  }
  return true;
}

void ServerProcess::Kill() {
  if (!is_running()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, &status_, 0);
  pid_ = -1;
}

void ServerProcess::Pause() {
  if (is_running()) kill(pid_, SIGSTOP);
}

void ServerProcess::Resume() {
  if (is_running()) kill(pid_, SIGCONT);
}

bool ServerProcess::Stop(std::chrono::milliseconds longest) {
  if (!is_running()) return false;
  kill(pid_, SIGTERM);
  kill(pid_, SIGCONT);
  return WaitForEnd(longest) && *ended() == 0;
}

void ServerProcess::LimitFiles(uint64_t bytes) {
  if (!is_running()) return;
  rlimit limit{};
  if (prlimit(pid_, RLIMIT_FSIZE, nullptr, &limit) != 0) return;
  limit.rlim_cur = bytes == 0 ? limit.rlim_max : bytes;
  prlimit(pid_, RLIMIT_FSIZE, &limit, nullptr);
}

int64_t ServerProcess::resident_bytes() const {
  if (pid_ <= 0) return 0;
  std::ifstream in("/proc/" + std::to_string(pid_) + "/statm");
  int64_t all = 0, resident = 0;
  in >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace kvserver::cluster_process
