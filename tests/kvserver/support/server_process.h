// kvserver as a process of its own, as a user starts it, ended by its pid.
//
//   ServerProcess server({"--data-dir", dir.path(), "--port", "0"}, {"KV_MEMORY=64MB"});
//   TestClient client(server.WaitForPort());
//   CHECK(server.End(SIGTERM) == 0);
#ifndef TESTS_KVSERVER_SUPPORT_SERVER_PROCESS_H_
#define TESTS_KVSERVER_SUPPORT_SERVER_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/temp_dir.h"

namespace kvserver {

class ServerProcess {
 public:
  // Its environment is `environment` ("NAME=VALUE") and nothing else. `prefix` is a program that
  // runs it, with arguments: it must become the server, as exec does.
  explicit ServerProcess(const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment = {},
                         const std::vector<std::string>& prefix = {});
  ~ServerProcess();  // ends it at once if it still runs
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // The port that its log says it is ready on, in either format; the test fails if it ends before
  // or takes longer than 20 s.
  uint16_t WaitForPort();
  // Its exit code when it ends by itself; the test fails if that takes longer than 20 s. 128 and
  // more: a signal ended it.
  int WaitForEnd();
  int End(int signal);  // sends the signal, and waits for the end

  pid_t pid() const { return pid_; }
  std::string log() const;  // what it has written so far, to either stream

 private:
  bool HasEnded();

  libkv::TempDir dir_;
  pid_t pid_ = -1;
  bool has_ended_ = false;
  int status_ = 0;
};

}  // namespace kvserver

#endif  // TESTS_KVSERVER_SUPPORT_SERVER_PROCESS_H_
