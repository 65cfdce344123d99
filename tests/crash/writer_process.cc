#include "crash/writer_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/check.h"

extern char** environ;

namespace libkv::crash {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kReportFile = 3;

const char* NameOf(Mode mode) {
  switch (mode) {
    case Mode::kEarly:
      return "early";
    case Mode::kSplit:
      return "split";
    case Mode::kBlocksOnly:
      return "blocks";
    case Mode::kHonest:
      break;
  }
  return "honest";
}

pid_t Start(const std::string& program, const std::string& directory, uint64_t first_number,
            Mode mode, int report) {
  const std::string number = std::to_string(first_number);
  std::vector<std::string> texts = {program, directory, number, NameOf(mode)};
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, report, kReportFile);
  pid_t child = 0;
  const int error =
      posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) std::fprintf(stderr, "crash_test: %s: %s\n", program.c_str(), strerror(error));
  LIBKV_CHECK(error == 0);
  return child;
}

// Cuts what comes out of the pipe into messages.
class MessageReader {
 public:
  MessageReader(int file, const std::function<void(const Message&)>& take)
      : file_(file), take_(take) {}

  // False: the pipe has ended.
  bool ReadSome() {
    const ssize_t got = read(file_, buffer_ + held_, sizeof buffer_ - held_);
    if (got <= 0) return false;
    held_ += static_cast<size_t>(got);
    size_t at = 0;
    for (; at + sizeof(Message) <= held_; at += sizeof(Message)) {
      Message message;
      std::memcpy(&message, buffer_ + at, sizeof message);
      take_(message);
    }
    std::memmove(buffer_, buffer_ + at, held_ - at);
    held_ -= at;
    return true;
  }

 private:
  const int file_;
  const std::function<void(const Message&)>& take_;
  char buffer_[64 << 10];
  size_t held_ = 0;
};

}  // namespace

bool LiveAndDie(const std::string& program, const std::string& directory, uint64_t first_number,
                Mode mode, std::chrono::microseconds life,
                const std::function<void(const Message&)>& take) {
  int ends[2];
  LIBKV_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  if (ends[1] == kReportFile) {
    // Duplicating a file to itself would keep it from being inherited.
    const int other = fcntl(ends[1], F_DUPFD_CLOEXEC, kReportFile + 1);
    close(ends[1]);
    ends[1] = other;
  }
  const Clock::time_point end = Clock::now() + life;
  const pid_t child = Start(program, directory, first_number, mode, ends[1]);
  close(ends[1]);

  MessageReader reader(ends[0], take);
  bool alive = true;
  while (alive) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) break;
    pollfd ready{.fd = ends[0], .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, static_cast<int>(left)) > 0) alive = reader.ReadSome();
  }
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  while (reader.ReadSome()) {
  }
  close(ends[0]);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

}  // namespace libkv::crash
