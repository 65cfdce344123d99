// The slow log: the newest requests that took longer than the setting says.
#ifndef KVSERVER_SRC_COMMAND_SLOW_LOG_H_
#define KVSERVER_SRC_COMMAND_SLOW_LOG_H_

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "command/request.h"

namespace kvserver {

class SlowLog {
 public:
  // Of a request so many arguments, and of an argument so many bytes, are kept.
  static constexpr size_t kArgumentsMax = 32;
  static constexpr size_t kArgumentBytesMax = 128;

  struct Entry {
    uint64_t id = 0;
    int64_t unix_seconds = 0;
    int64_t microseconds = 0;
    std::vector<std::string> arguments;
    std::string client_address, client_name;
  };

  void Add(int64_t unix_seconds, int64_t microseconds, Arguments arguments, std::string address,
           std::string name, size_t length_max);
  std::vector<Entry> Newest(size_t count) const;
  size_t size() const;
  void Clear();

 private:
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;  // newest first
  uint64_t next_id_ = 0;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_SLOW_LOG_H_
