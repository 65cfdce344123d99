// The keys that connections WATCH: who is to be told when one is written.
#ifndef KVSERVER_SRC_COMMAND_WATCHED_KEYS_H_
#define KVSERVER_SRC_COMMAND_WATCHED_KEYS_H_

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace kvserver {

// Threads: any. Costs nothing per write while nobody watches.
class WatchedKeys {
 public:
  using Flag = std::shared_ptr<std::atomic<bool>>;  // becomes true

  void Watch(std::string_view key, const Flag& flag);
  void Unwatch(std::string_view key, const Flag& flag);

  void Written(std::string_view key);
  void AllWritten();  // FLUSHALL

 private:
  std::atomic<size_t> count_{0};
  std::mutex mutex_;
  std::map<std::string, std::vector<Flag>, std::less<>> flags_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_WATCHED_KEYS_H_
