#include "segment/row_cache.h"

#include <utility>

#include "base/hash.h"

namespace libkv {
namespace {

// A row besides its bytes: itself, the blocks it is allocated in, its places in table and ring.
constexpr size_t kRowOverhead = 160;

}  // namespace

RowCache::Row::Row(std::string_view name, std::string_view value)
    : bytes_(Concat(name, value)), name_bytes_(name.size()) {}

size_t RowCache::Row::memory_bytes() const { return bytes_.size() + kRowOverhead; }

std::shared_ptr<const RowCache::Row> RowCache::Find(std::string_view name) const {
  const Shard& shard = shards_[Hash64(name) % kShards];
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.rows.find(name);
  if (found == shard.rows.end()) return nullptr;
  found->second->was_used_ = true;
  return found->second;
}

void RowCache::Keep(std::string_view name, std::string_view value) {
  if (name.size() + value.size() > kRowBytesMax) return;
  auto row = std::make_shared<Row>(name, value);
  const size_t bytes = row->memory_bytes();
  if (bytes > shard_bytes_max_) return;
  Shard& shard = shards_[Hash64(name) % kShards];
  const std::lock_guard lock(shard.mutex);
  if (shard.rows.contains(name)) return;
  while (shard.bytes + bytes > shard_bytes_max_) DropOne(&shard);
  shard.bytes += bytes;
  shard.ring.push_back(row.get());
  shard.rows.emplace(row->name(), std::move(row));
}

// The next row in the ring that was not used of late. The last one takes its place.
void RowCache::DropOne(Shard* shard) {
  for (;; ++shard->hand) {
    if (shard->hand >= shard->ring.size()) shard->hand = 0;
    Row*& row = shard->ring[shard->hand];
    if (std::exchange(row->was_used_, false)) continue;
    shard->bytes -= row->memory_bytes();
    shard->rows.erase(row->name());
    row = shard->ring.back();
    shard->ring.pop_back();
    return;
  }
}

size_t RowCache::memory_bytes() const {
  size_t bytes = sizeof *this;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    bytes += shard.bytes;
  }
  return bytes;
}

}  // namespace libkv
