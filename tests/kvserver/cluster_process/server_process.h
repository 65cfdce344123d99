// One kvserver as a process of its own, with its output in a file.
//
// Threads    Start from one that lives as long as the process shall: the process is killed when the
//            thread that started it ends. The rest: any, one at a time.
#ifndef TESTS_KVSERVER_CLUSTER_PROCESS_SERVER_PROCESS_H_
#define TESTS_KVSERVER_CLUSTER_PROCESS_SERVER_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kvserver::cluster_process {

class ServerProcess {
 public:
  // `arguments` begin with the program. What it says is appended to the file `log`. Throws
  // std::runtime_error if no process can be made.
  ServerProcess(const std::vector<std::string>& arguments, std::string log);
  ~ServerProcess();  // kill -9
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Until it has said which ports it listens on. False: it has ended before, or needs longer.
  bool WaitForPorts(std::chrono::milliseconds longest);
  uint16_t port() const { return port_; }
  uint16_t peer_port() const { return peer_port_; }

  void Kill();    // SIGKILL, and returns when it is gone
  void Pause();   // SIGSTOP
  void Resume();  // SIGCONT
  // SIGTERM. False: it needs longer than that, or did not answer 0.
  bool Stop(std::chrono::milliseconds longest);
  // No file of it can grow beyond so many bytes from now on: as on a disk that is full. 0: all can.
  void LimitFiles(uint64_t bytes);

  bool is_running();
  // Its code once it has ended; 128 and more: by a signal.
  std::optional<int> ended();
  // What it has said since it was started.
  std::string Said() const;
  int64_t resident_bytes() const;  // 0: it is gone

 private:
  bool WaitForEnd(std::chrono::milliseconds longest);

  const std::string log_;
  int64_t log_begin_ = 0;
  pid_t pid_ = -1;
  int status_ = 0;
  uint16_t port_ = 0, peer_port_ = 0;
};

}  // namespace kvserver::cluster_process

#endif  // TESTS_KVSERVER_CLUSTER_PROCESS_SERVER_PROCESS_H_
