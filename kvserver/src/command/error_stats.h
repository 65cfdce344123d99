// How many errors were replied, by their first word: ERR, OOM, WRONGPASS.
#ifndef KVSERVER_SRC_COMMAND_ERROR_STATS_H_
#define KVSERVER_SRC_COMMAND_ERROR_STATS_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace kvserver {

// Threads: any.
class ErrorStats {
 public:
  static constexpr size_t kCodesMax = 128;  // what comes after is not counted

  // `message` as ReplyWriter::Error takes it.
  void Add(std::string_view message);
  std::map<std::string, uint64_t> All() const;
  void Clear();

 private:
  mutable std::mutex mutex_;
  std::map<std::string, uint64_t, std::less<>> counts_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_ERROR_STATS_H_
