#include "command/slow_log.h"

#include <utility>

namespace kvserver {
namespace {

std::vector<std::string> Shortened(Arguments arguments) {
  std::vector<std::string> kept;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (i + 1 == SlowLog::kArgumentsMax && arguments.size() > SlowLog::kArgumentsMax) {
      kept.push_back("... (" + std::to_string(arguments.size() - i) + " more arguments)");
      break;
    }
    const std::string_view argument = arguments[i];
    if (argument.size() <= SlowLog::kArgumentBytesMax) {
      kept.emplace_back(argument);
      continue;
    }
    kept.push_back(std::string(argument.substr(0, SlowLog::kArgumentBytesMax)) + "... (" +
                   std::to_string(argument.size() - SlowLog::kArgumentBytesMax) + " more bytes)");
  }
  return kept;
}

}  // namespace

void SlowLog::Add(int64_t unix_seconds, int64_t microseconds, Arguments arguments,
                  std::string address, std::string name, size_t length_max) {
  std::vector<std::string> kept = Shortened(arguments);
  const std::lock_guard lock(mutex_);
  entries_.push_front({next_id_++, unix_seconds, microseconds, std::move(kept), std::move(address),
                       std::move(name)});
  while (entries_.size() > length_max) entries_.pop_back();
}

std::vector<SlowLog::Entry> SlowLog::Newest(size_t count) const {
  const std::lock_guard lock(mutex_);
  const size_t n = std::min(count, entries_.size());
  return {entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(n)};
}

size_t SlowLog::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void SlowLog::Clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

}  // namespace kvserver
