#include "command/process_usage.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

namespace kvserver {

ProcessUsage ReadProcessUsage() {
  ProcessUsage usage;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t all_pages = 0, resident_pages = 0;
  std::ifstream statm("/proc/self/statm");
  if (statm >> all_pages >> resident_pages) usage.resident_bytes = resident_pages * page;
  usage.machine_bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * page;
  rusage own{};
  if (getrusage(RUSAGE_SELF, &own) == 0) {
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    usage.user_seconds = seconds(own.ru_utime);
    usage.system_seconds = seconds(own.ru_stime);
    usage.peak_resident_bytes = static_cast<uint64_t>(own.ru_maxrss) * 1'024;
  }
  return usage;
}

std::string OperatingSystem() {
  utsname name{};
  if (uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

}  // namespace kvserver
