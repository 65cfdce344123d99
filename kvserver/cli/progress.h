// A line on stderr that says how far a long command is; nothing when stderr is no terminal.
#ifndef KVSERVER_CLI_PROGRESS_H_
#define KVSERVER_CLI_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace kvcli {

class Progress {
 public:
  Progress();
  ~Progress();  // wipes the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `total_bytes` 0: not known. Costs a look at the clock; writes five times a second.
  void Show(uint64_t records, uint64_t bytes, uint64_t total_bytes);
  double seconds() const;  // since it was made

  // "1234567 records  45 %  120000/s  00:12 left"
  static std::string Text(uint64_t records, uint64_t bytes, uint64_t total_bytes, double seconds);

 private:
  const bool is_shown_;
  const std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point next_;
  bool has_written_ = false;
};

}  // namespace kvcli

#endif  // KVSERVER_CLI_PROGRESS_H_
