// What the operating system says of this process.
#ifndef KVSERVER_SRC_COMMAND_PROCESS_USAGE_H_
#define KVSERVER_SRC_COMMAND_PROCESS_USAGE_H_

#include <cstdint>
#include <string>

namespace kvserver {

struct ProcessUsage {
  uint64_t resident_bytes = 0, peak_resident_bytes = 0;  // 0: not known
  uint64_t machine_bytes = 0;                            // of memory
  double user_seconds = 0, system_seconds = 0;
};

ProcessUsage ReadProcessUsage();

std::string OperatingSystem();  // "Linux 6.1.0 x86_64"

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_PROCESS_USAGE_H_
