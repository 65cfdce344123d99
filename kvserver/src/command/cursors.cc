#include "command/cursors.h"

#include <utility>

namespace kvserver {

uint64_t Cursors::Put(std::string last_key) {
  const std::lock_guard lock(mutex_);
  const uint64_t number = next_++;
  const size_t slot = number % kCursorsMax;
  if (slots_.size() <= slot) slots_.resize(slot + 1);
  slots_[slot] = {number, std::move(last_key)};
  return number;
}

std::optional<std::string> Cursors::Find(uint64_t cursor) const {
  const std::lock_guard lock(mutex_);
  const size_t slot = cursor % kCursorsMax;
  if (cursor == 0 || slot >= slots_.size() || slots_[slot].number != cursor) return std::nullopt;
  return slots_[slot].last_key;
}

}  // namespace kvserver
