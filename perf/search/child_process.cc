#include "search/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "harness.h"

namespace libkv::perf {
namespace {

struct Pipe {
  int read_end = -1, write_end = -1;
};

// Closed in every program that we start, but for the ends that are handed over.
Pipe MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) Fail("no pipe");
  return {ends[0], ends[1]};
}

}  // namespace

ChildProcess::ChildProcess(std::vector<std::string> argv) : name_(argv.at(0)) {
  const Pipe to_child = MakePipe(), from_child = MakePipe();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_child.read_end, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from_child.write_end, STDOUT_FILENO);
  std::vector<char*> arguments;
  for (std::string& argument : argv) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  const int error = posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) Fail("cannot start " + name_);
  close(to_child.read_end);
  close(from_child.write_end);
  in_ = fdopen(to_child.write_end, "w");
  out_ = fdopen(from_child.read_end, "r");
}

ChildProcess::~ChildProcess() {
  std::fclose(in_);
  // What it still has to say is read, so that it can end.
  for (std::string line; ReadLine(&line);) {
  }
  std::fclose(out_);
  std::free(buffer_);
  int status = 0;
  waitpid(pid_, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) Fail(name_ + " failed");
}

void ChildProcess::WriteLine(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), in_);
  std::fputc('\n', in_);
  if (std::fflush(in_) != 0) Fail(name_ + " does not read any more");
}

bool ChildProcess::ReadLine(std::string* line) {
  const ssize_t bytes = getline(&buffer_, &buffer_bytes_, out_);
  if (bytes < 0) return false;
  line->assign(buffer_, static_cast<size_t>(bytes));
  if (line->ends_with('\n')) line->pop_back();
  return true;
}

std::string ChildProcess::RequireLine() {
  std::string line;
  if (!ReadLine(&line)) Fail(name_ + " ended before it answered");
  return line;
}

}  // namespace libkv::perf
