#include "command/error_stats.h"

namespace kvserver {

void ErrorStats::Add(std::string_view message) {
  constexpr size_t kCodeBytesMax = 32;
  const std::string_view code = message.substr(0, message.find_first_of(" \r\n"));
  if (code.size() > kCodeBytesMax) return;
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(code);
  if (found != counts_.end()) {
    ++found->second;
  } else if (counts_.size() < kCodesMax) {
    counts_.emplace(code, 1);
  }
}

std::map<std::string, uint64_t> ErrorStats::All() const {
  const std::lock_guard lock(mutex_);
  return {counts_.begin(), counts_.end()};
}

void ErrorStats::Clear() {
  const std::lock_guard lock(mutex_);
  counts_.clear();
}

}  // namespace kvserver
