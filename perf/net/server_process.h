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
  ServerProcess(const std::vector<std::string>& argv, const std::string& directory);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  uint16_t port() const { return port_; }
  double cpu_seconds() const;  // user and system, of all its threads, so far
  double resident_mb() const;

 private:
  pid_t pid_ = 0;
  uint16_t port_ = 0;
  std::string directory_;
};

}  // namespace libkv::perf

#endif  // LIBKV_PERF_NET_SERVER_PROCESS_H_
