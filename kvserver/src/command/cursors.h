// Cursors of SCAN: Redis clients want a number, an ordered store wants the key to go on behind.
#ifndef KVSERVER_SRC_COMMAND_CURSORS_H_
#define KVSERVER_SRC_COMMAND_CURSORS_H_

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace kvserver {

// The newest kCursorsMax cursors are known; of older ones the scan must begin anew.
class Cursors {
 public:
  static constexpr size_t kCursorsMax = 16'384;

  uint64_t Put(std::string last_key);  // never 0
  std::optional<std::string> Find(uint64_t cursor) const;

 private:
  struct Slot {
    uint64_t number = 0;
    std::string last_key;
  };
  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  uint64_t next_ = 1;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_CURSORS_H_
