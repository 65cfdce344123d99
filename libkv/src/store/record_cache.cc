#include "store/record_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "base/hash.h"
#include "index/secret_factor.h"

namespace libkv {
namespace {

// Besides key and record: the entry's own fields, its place in the table, what malloc adds.
constexpr size_t kEntryOverhead = 72;

// So many records the hand passes for a new one, at most. If all of them were asked for, the new
// one is left out: a shard is never locked for longer.
constexpr int kHandStepsMax = 32;

// Room for so many changes is held from one group to the next.
constexpr size_t kChangesKept = 65'536;

// A shard tells of its growth in such steps.
constexpr size_t kGrowthStep = size_t{64} << 10;

}  // namespace

// A key with its record, in one block of memory.
class RecordCache::Entry {
 public:
  static Entry* New(uint64_t hash, std::string_view key, std::string_view record) {
    void* const block = ::operator new(sizeof(Entry) + key.size() + record.size());
    auto* const entry = new (block) Entry;
    entry->hash = hash;
    entry->key_bytes_ = static_cast<uint32_t>(key.size());
    entry->record_bytes_ = static_cast<uint32_t>(record.size());
    std::memcpy(entry->bytes(), key.data(), key.size());
    entry->SetRecord(record);
    return entry;
  }
  static void Delete(Entry* entry) { ::operator delete(entry); }

  std::string_view key() const { return {bytes(), key_bytes_}; }
  std::string_view record() const { return {bytes() + key_bytes_, record_bytes_}; }
  size_t memory_bytes() const { return kEntryOverhead + key_bytes_ + record_bytes_; }

  // It must have as many bytes as the record that is here.
  void SetRecord(std::string_view record) {
    std::memcpy(bytes() + key_bytes_, record.data(), record.size());
  }

  Entry* older = nullptr;
  Entry* newer = nullptr;
  uint64_t hash = 0;
  bool was_used = false;

 private:
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  char* bytes() { return reinterpret_cast<char*>(this + 1); }

  uint32_t key_bytes_ = 0, record_bytes_ = 0;
};

namespace {

struct Wanted {
  uint64_t hash;
  std::string_view key;
};

}  // namespace

// Everything is guarded by the mutex, but stripes may be opened without it.
struct alignas(64) RecordCache::Shard {
  struct Hash {
    using is_transparent = void;
    size_t operator()(const Entry* entry) const { return entry->hash; }
    size_t operator()(const Wanted& wanted) const { return wanted.hash; }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Entry* a, const Entry* b) const { return a == b; }
    bool operator()(const Entry* a, const Wanted& b) const {
      return a->hash == b.hash && a->key() == b.key;
    }
  };
  // How many changes of its keys are begun and not ended, and above that its version.
  using Stripe = std::atomic<uint64_t>;
  static constexpr uint64_t kVersionUnit = uint64_t{1} << 28;  // more than a batch has changes
  static bool IsOpen(uint64_t stripe) { return stripe % kVersionUnit == 0; }

  ~Shard() { Clear(); }

  Stripe& StripeOf(uint64_t hash) { return stripes[(hash >> 52) % kStripes]; }
  Entry* Lookup(uint64_t hash, std::string_view key) {
    const auto found = entries.find(Wanted{hash, key});
    return found == entries.end() ? nullptr : *found;
  }
  bool LetsIn(uint64_t hash, size_t bytes_max);
  bool Insert(Entry* entry, size_t bytes_max);
  void Remove(Entry* entry);
  bool MakeRoom(size_t entry_bytes, size_t bytes_max);
  void Clear();

  std::mutex mutex;
  size_t bytes = 0, told_bytes = 0;
  uint64_t hits = 0, misses = 0;
  absl::flat_hash_set<Entry*, Hash, Equal> entries;
  Entry* oldest = nullptr;
  Entry* newest = nullptr;
  Entry* hand = nullptr;         // null: at the oldest
  std::vector<uint16_t> missed;  // bits of keys that were missed, by other bits of theirs
  std::array<Stripe, kStripes> stripes{};
};

// While there is room, every record; then those that are missed again.
bool RecordCache::Shard::LetsIn(uint64_t hash, size_t bytes_max) {
  if (bytes < bytes_max - bytes_max / 16) return true;
  if (bytes_max == 0) return false;
  if (missed.size() < entries.size()) missed.assign(std::bit_ceil(entries.size()), 0);
  if (missed.empty()) return true;
  uint16_t& last = missed[(hash >> 16) % missed.size()];
  return std::exchange(last, static_cast<uint16_t>(hash)) == static_cast<uint16_t>(hash);
}

// Takes the entry; false: there is no room, and it is deleted.
bool RecordCache::Shard::Insert(Entry* entry, size_t bytes_max) {
  const size_t entry_bytes = entry->memory_bytes();
  if (!MakeRoom(entry_bytes, bytes_max)) {
    Entry::Delete(entry);
    return false;
  }
  entries.insert(entry);
  bytes += entry_bytes;
  entry->older = newest;
  entry->newer = nullptr;
  (newest == nullptr ? oldest : newest->newer) = entry;
  newest = entry;
  return true;
}

// Takes it out, without deleting it.
void RecordCache::Shard::Remove(Entry* entry) {
  if (hand == entry) hand = entry->newer;
  (entry->older == nullptr ? oldest : entry->older->newer) = entry->newer;
  (entry->newer == nullptr ? newest : entry->newer->older) = entry->older;
  bytes -= entry->memory_bytes();
  entries.erase(entry);
}

bool RecordCache::Shard::MakeRoom(size_t entry_bytes, size_t bytes_max) {
  if (entry_bytes > bytes_max) return false;
  for (int step = 0; bytes + entry_bytes > bytes_max; ++step) {
    if (step == kHandStepsMax) return false;
    Entry* const entry = hand == nullptr ? oldest : hand;
    hand = entry->newer;
    if (std::exchange(entry->was_used, false)) continue;
    Remove(entry);
    Entry::Delete(entry);
  }
  return true;
}

void RecordCache::Shard::Clear() {
  for (Entry* entry = oldest; entry != nullptr;) Entry::Delete(std::exchange(entry, entry->newer));
  oldest = newest = hand = nullptr;
  entries.clear();
  bytes = told_bytes = 0;
  for (Stripe& stripe : stripes) stripe.fetch_add(kVersionUnit);
}

RecordCache::RecordCache(size_t bytes_max)
    : seed_(SecretFactor(this)),
      shard_bytes_max_(bytes_max / kShards),
      shards_(std::make_unique<Shard[]>(kShards)) {}

RecordCache::~RecordCache() {
  for (const Change& change : changes_) Entry::Delete(change.record);
}

uint64_t RecordCache::HashOf(std::string_view key) const { return Hash64(key, seed_); }

RecordCache::Shard& RecordCache::ShardOf(uint64_t hash) const {
  return shards_[(hash >> 58) % kShards];
}

void RecordCache::SetBytesMax(size_t bytes_max) {
  shard_bytes_max_.store(bytes_max / kShards, std::memory_order_relaxed);
}

std::string_view RecordCache::Find(std::string_view key, Buffer& buffer, Ticket* ticket) {
  const uint64_t hash = HashOf(key);
  Shard& shard = ShardOf(hash);
  const std::lock_guard lock(shard.mutex);
  if (Entry* const entry = shard.Lookup(hash, key); entry != nullptr) {
    ++shard.hits;
    if (ticket != nullptr && !entry->was_used) entry->was_used = true;
    const std::string_view record = entry->record();
    std::memcpy(buffer.data(), record.data(), record.size());
    return {buffer.data(), record.size()};
  }
  ++shard.misses;
  if (ticket == nullptr) return {};
  ticket->hash = hash;
  ticket->stripe = shard.StripeOf(hash).load();
  ticket->is_valid = Shard::IsOpen(ticket->stripe) &&
                     shard.LetsIn(hash, shard_bytes_max_.load(std::memory_order_relaxed));
  return {};
}

bool RecordCache::Keep(std::string_view key, std::string_view record, const Ticket& ticket) {
  if (!ticket.is_valid || record.size() > kRecordBytesMax) return false;
  Shard& shard = ShardOf(ticket.hash);
  const std::lock_guard lock(shard.mutex);
  if (shard.StripeOf(ticket.hash).load() != ticket.stripe) return false;
  if (shard.Lookup(ticket.hash, key) != nullptr) return false;
  shard.Insert(Entry::New(ticket.hash, key, record),
               shard_bytes_max_.load(std::memory_order_relaxed));
  if (shard.bytes < shard.told_bytes + kGrowthStep) return false;
  shard.told_bytes = shard.bytes;
  return true;
}

void RecordCache::BeginChange(std::string_view key, std::string_view record) {
  // Whoever sees something of the changes sees this, too: a lock, or the engine's own order of what
  // it shows, is in between.
  if (changes_.empty()) epoch_.store(epoch() + 1, std::memory_order_release);
  Change& change = changes_.emplace_back();
  change.hash = HashOf(key);
  Shard& shard = ShardOf(change.hash);
  const std::lock_guard lock(shard.mutex);
  shard.StripeOf(change.hash).fetch_add(Shard::kVersionUnit + 1);
  Entry* const entry = shard.Lookup(change.hash, key);
  if (entry == nullptr) return;
  shard.Remove(entry);
  if (entry->record().size() == record.size()) {
    entry->SetRecord(record);
    change.record = entry;
    return;
  }
  if (!record.empty() && record.size() <= kRecordBytesMax) {
    change.record = Entry::New(change.hash, key, record);
    change.record->was_used = entry->was_used;
  }
  Entry::Delete(entry);
}

void RecordCache::EndChanges(bool are_written) {
  if (changes_.empty()) return;
  const size_t bytes_max = shard_bytes_max_.load(std::memory_order_relaxed);
  for (Change& change : changes_) {
    Shard& shard = ShardOf(change.hash);
    Shard::Stripe& stripe = shard.StripeOf(change.hash);
    constexpr uint64_t kEnd = Shard::kVersionUnit - 1;
    Entry* const entry = std::exchange(change.record, nullptr);
    if (entry == nullptr) {
      stripe.fetch_add(kEnd);
      continue;
    }
    const std::lock_guard lock(shard.mutex);
    // While another change of the stripe stands out, it may be one of the same key, which is newer.
    if (Shard::IsOpen(stripe.fetch_add(kEnd) + kEnd) && are_written) {
      shard.Insert(entry, bytes_max);
    } else {
      Entry::Delete(entry);
    }
  }
  if (!are_written) {
    for (size_t i = 0; i < kShards; ++i) {
      const std::lock_guard lock(shards_[i].mutex);
      shards_[i].Clear();
    }
  }
  changes_.clear();
  if (changes_.capacity() > kChangesKept) changes_.shrink_to_fit();
  epoch_.store(epoch() + 1, std::memory_order_release);
}

RecordCache::Figures RecordCache::figures() const {
  Figures figures;
  figures.memory_bytes = sizeof(*this) + kShards * sizeof(Shard);
  for (size_t i = 0; i < kShards; ++i) {
    Shard& shard = shards_[i];
    const std::lock_guard lock(shard.mutex);
    figures.hits += shard.hits;
    figures.misses += shard.misses;
    figures.records += shard.entries.size();
    figures.memory_bytes += shard.bytes + shard.missed.capacity() * sizeof(uint16_t);
  }
  return figures;
}

}  // namespace libkv
