#include "net/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "support/loopback.h"

namespace libkv::perf {
namespace {

constexpr int kStartTriesMax = 300;
constexpr useconds_t kStartWaitUs = 50'000;

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& argv, const std::string& directory)
    : port_(FreePort()), directory_(directory) {
  for (const std::string& argument : argv) {
    arguments_.push_back(
        Replaced(Replaced(argument, "{port}", std::to_string(port_)), "{dir}", directory_));
  }
  Start();
}

void ServerProcess::Start() {
  std::filesystem::create_directories(directory_);
  std::vector<char*> pointers;
  for (std::string& argument : arguments_) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    const int log = open((directory_ + "/log").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0644);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    // A benchmark that dies leaves no servers behind.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(pointers[0], pointers.data());
    _exit(127);
  }
  for (int i = 0; !Accepts(port_); ++i) {
    int status = 0;
    if (i == kStartTriesMax || waitpid(pid_, &status, WNOHANG) == pid_) {
      throw std::runtime_error(arguments_[0] + " does not start; see " + directory_ + "/log");
    }
    usleep(kStartWaitUs);
  }
}

void ServerProcess::Kill() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void ServerProcess::RemoveData() { std::filesystem::remove_all(directory_); }
void ServerProcess::Pause() { kill(pid_, SIGSTOP); }
void ServerProcess::Resume() { kill(pid_, SIGCONT); }

ServerProcess::~ServerProcess() {
  if (pid_ != 0) {
    kill(pid_, SIGTERM);
    kill(pid_, SIGCONT);  // it may be paused
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

double ServerProcess::cpu_seconds() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double ServerProcess::resident_mb() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/statm");
  double total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

double ServerProcess::peak_mb() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
  std::string word;
  while (in >> word && word != "VmHWM:") continue;
  double kibibytes = 0;
  in >> kibibytes;
  return kibibytes * 1'024 / 1e6;
}

ServerProcess::Reads ServerProcess::reads() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/io");
  Reads reads;
  std::string name;
  for (uint64_t value = 0; in >> name >> value;) {
    if (name == "read_bytes:") reads.disk_bytes = value;
    if (name == "rchar:") reads.call_bytes = value;
  }
  return reads;
}

}  // namespace libkv::perf
