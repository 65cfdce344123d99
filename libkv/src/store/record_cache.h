// A RecordCache keeps the records that were read last, because finding one in the engine costs some
// 2 us (its memtables, filters and blocks) and reads of a server mostly ask for the same few.
//
// The problem: a reader that found nothing here reads the engine; a writer commits; the reader
// keeps what is old by now, and everybody reads it for good. The naive answer, one lock around read
// and keep, would make readers wait for the disk.
//
// Ours: every key belongs to one of some thousand stripes.
//   1. A reader that finds nothing takes a ticket: the version of the key's stripe. What it reads
//      from the engine it may keep only while the version is still that one.
//   2. Before the committer writes to the engine, it begins every change: the record goes, and the
//      stripe is closed, which is a new version and no tickets. From here on readers ask the
//      engine.
//   3. When the engine has written, and before anybody is told so, the committer ends the changes:
//      the stripes open again, with another version. A record that had been here is followed by the
//      new one.
// So a record is here only while the engine holds the same, and no reader sees first the new one
// there and then the old one here.
//
// What goes when there is no room: SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is Simpler
// than LRU", NSDI 2024). Records stand in a queue in the order in which they came; a hand goes from
// the oldest to the newest and takes the first that was not asked for since it came by last. It
// alone does not stand a walk over more keys than there is room for: a full shard lets a record in
// only when it is missed for the second time, by a table with a few bits of the last keys missed.
//
// Threads    Find, Keep and the figures: any. BeginChange and EndChanges: the committer.
// Memory     At most bytes_max, a few hundredths of it for what was missed, and 100 KB; taken as it
//            fills.
// Cost       A lock that is held for less than a microsecond, one of kShards.
#ifndef LIBKV_SRC_STORE_RECORD_CACHE_H_
#define LIBKV_SRC_STORE_RECORD_CACHE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace libkv {

class RecordCache {
 public:
  // Longer records are not kept: reading them costs more for their bytes than for finding them.
  static constexpr size_t kRecordBytesMax = 4 << 10;
  using Buffer = std::array<char, kRecordBytesMax>;

  // The right to keep what is read next.
  struct Ticket {
    uint64_t hash = 0, stripe = 0;  // as it was
    bool is_valid = false;
  };

  explicit RecordCache(size_t bytes_max);
  ~RecordCache();

  // The record of `key`, copied into `buffer`; empty: it is not here, and `ticket` says whether it
  // may be kept. Without a ticket the record counts as not asked for.
  std::string_view Find(std::string_view key, Buffer& buffer, Ticket* ticket);

  // Keeps `record`, which was read from the engine since `ticket` was given, if it may. True: much
  // more memory is taken than when this last answered true.
  bool Keep(std::string_view key, std::string_view record, const Ticket& ticket);

  // The record of `key` becomes `record`; empty: none. Until EndChanges nothing is here.
  void BeginChange(std::string_view key, std::string_view record);

  // The changes that were begun are in the engine; or, with false, nobody knows whether they are:
  // then everything goes.
  void EndChanges(bool are_written);

  // What is read here and in the engine while the epoch stays the same, and is at rest, which means
  // that no change is under way, is of one moment.
  uint64_t epoch() const { return epoch_.load(); }
  static bool IsAtRest(uint64_t epoch) { return epoch % 2 == 0; }

  // From the next records on.
  void SetBytesMax(size_t bytes_max);

  struct Figures {
    uint64_t hits = 0, misses = 0;
    size_t records = 0, memory_bytes = 0;
  };
  Figures figures() const;

 private:
  static constexpr size_t kShards = 64;
  static constexpr size_t kStripes = 64;  // of a shard
  class Entry;
  struct Shard;

  // A change that was begun.
  struct Change {
    uint64_t hash = 0;
    Entry* record = nullptr;  // takes the place of the one that was here
  };

  uint64_t HashOf(std::string_view key) const;
  Shard& ShardOf(uint64_t hash) const;

  const uint64_t seed_;  // nobody can choose keys that meet in a shard
  std::atomic<size_t> shard_bytes_max_;
  std::atomic<uint64_t> epoch_{0};
  const std::unique_ptr<Shard[]> shards_;
  std::vector<Change> changes_;  // the committer's own
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_RECORD_CACHE_H_
