// A ServerProcess is a server of ours or of a rival, started on a free port of 127.0.0.1 in a
// folder of its own, and ended by its pid.
#ifndef LIBKV_PERF_NET_SERVER_PROCESS_H_
#define LIBKV_PERF_NET_SERVER_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace libkv::perf {

class ServerProcess {
 public:
  // Replaces {port} and {dir} in the arguments; waits until the port accepts.
  // The folder is removed at the end. std::runtime_error: it does not start.
  ServerProcess(const std::vector<std::string>& argv, const std::string& directory);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // kill -9. Then Start: the same command in the same folder, on the same port. Or, between the
  // two, RemoveData: the folder is empty.
  void Kill();
  void RemoveData();
  void Start();
  // SIGSTOP and SIGCONT.
  void Pause();
  void Resume();

  uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }
  const std::string& directory() const { return directory_; }
  double cpu_seconds() const;  // user and system, of all its threads, so far
  double resident_mb() const;
  double peak_mb() const;  // the most that was resident so far
  // Of /proc/PID/io, so far: what came from the disk, and what read() and the like returned, be it
  // from the disk, from the system's cache or from a timer.
  struct Reads {
    uint64_t disk_bytes = 0, call_bytes = 0;
  };
  Reads reads() const;

 private:
  pid_t pid_ = 0;  // 0: it does not run
  const uint16_t port_ = 0;
  const std::string directory_;
  std::vector<std::string> arguments_;
};

}  // namespace libkv::perf

#endif  // LIBKV_PERF_NET_SERVER_PROCESS_H_
