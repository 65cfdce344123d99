#include "command/command_times.h"

#include <algorithm>

#include "command/table.h"

namespace kvserver {

CommandTimes::CommandTimes() {
  for (const Command* command : AllCommands()) times_[command] = std::make_unique<Times>();
}

void CommandTimes::Add(const Command& command, int64_t microseconds) {
  const auto found = times_.find(&command);
  if (found == times_.end()) return;
  const auto bucket = static_cast<size_t>(
      std::lower_bound(kMicroseconds.begin(), kMicroseconds.end(), microseconds) -
      kMicroseconds.begin());
  found->second->buckets[bucket].fetch_add(1, std::memory_order_relaxed);
  found->second->sum_us.fetch_add(static_cast<uint64_t>(std::max<int64_t>(0, microseconds)),
                                  std::memory_order_relaxed);
}

const CommandTimes::Times* CommandTimes::Of(const Command& command) const {
  const auto found = times_.find(&command);
  return found == times_.end() ? nullptr : found->second.get();
}

}  // namespace kvserver
