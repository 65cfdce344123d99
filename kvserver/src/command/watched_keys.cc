#include "command/watched_keys.h"

#include <algorithm>

namespace kvserver {

void WatchedKeys::Watch(std::string_view key, const Flag& flag) {
  const std::lock_guard lock(mutex_);
  auto found = flags_.find(key);
  if (found == flags_.end()) found = flags_.emplace(std::string(key), std::vector<Flag>()).first;
  found->second.push_back(flag);
  count_.fetch_add(1);
}

void WatchedKeys::Unwatch(std::string_view key, const Flag& flag) {
  const std::lock_guard lock(mutex_);
  const auto found = flags_.find(key);
  if (found == flags_.end()) return;
  std::vector<Flag>& flags = found->second;
  const auto own = std::find(flags.begin(), flags.end(), flag);
  if (own == flags.end()) return;
  flags.erase(own);
  count_.fetch_sub(1);
  if (flags.empty()) flags_.erase(found);
}

void WatchedKeys::Written(std::string_view key) {
  if (count_.load() == 0) return;
  const std::lock_guard lock(mutex_);
  const auto found = flags_.find(key);
  if (found == flags_.end()) return;
  for (const Flag& flag : found->second) flag->store(true);
}

void WatchedKeys::AllWritten() {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, flags] : flags_) {
    for (const Flag& flag : flags) flag->store(true);
  }
}

}  // namespace kvserver
