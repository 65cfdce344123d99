#include "http/vector_cache.h"

#include <algorithm>

namespace libkv {
namespace {

// Beside the floats: list node, hash table node and slot, as the allocator rounds them.
constexpr size_t kEntryBytes = 160;

}  // namespace

VectorCache::VectorCache(size_t bytes_max, size_t dimension)
    : entries_max_(bytes_max / (dimension * sizeof(float) + kEntryBytes)) {}

bool VectorCache::Find(const Hash128& text, std::span<float> vector) {
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(text);
  if (found == index_.end()) return false;
  entries_.splice(entries_.begin(), entries_, found->second);
  std::copy(found->second->vector.begin(), found->second->vector.end(), vector.begin());
  return true;
}

uint64_t VectorCache::generation() const {
  const std::lock_guard lock(mutex_);
  return generation_;
}

void VectorCache::Clear() {
  const std::lock_guard lock(mutex_);
  ++generation_;
  index_.clear();
  entries_.clear();
}

void VectorCache::Insert(uint64_t generation, const Hash128& text, std::span<const float> vector) {
  const std::lock_guard lock(mutex_);
  if (entries_max_ == 0 || generation != generation_ || index_.contains(text)) return;
  if (entries_.size() == entries_max_) {
    index_.erase(entries_.back().text);
    entries_.pop_back();
  }
  entries_.push_front({text, {vector.begin(), vector.end()}});
  index_[text] = entries_.begin();
}

size_t VectorCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace libkv
