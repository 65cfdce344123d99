// A RowCache keeps the small rows of a segment that were read last, because finding a row in a
// table of the engine costs some 2 us and a search for one word needs a dozen of them: the row of
// the term, and those with the keys of its hits.
//
// Rows of a segment never change, so what is kept is never wrong. When there is no room, a hand
// goes round and takes rows that were not asked for since it came by last (CLOCK: Corbato, "A
// Paging Experiment with the Multics System", 1968).
//
// Threads    Any.
// Memory     At most `bytes_max`, what is in use elsewhere aside.
#ifndef LIBKV_SRC_SEGMENT_ROW_CACHE_H_
#define LIBKV_SRC_SEGMENT_ROW_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/strings.h"

namespace libkv {

class RowCache {
 public:
  // Longer ones are not kept.
  static constexpr size_t kRowBytesMax = 4 << 10;

  class Row {
   public:
    Row(std::string_view name, std::string_view value);
    std::string_view name() const { return std::string_view(bytes_).substr(0, name_bytes_); }
    std::string_view value() const { return std::string_view(bytes_).substr(name_bytes_); }
    size_t memory_bytes() const;

   private:
    friend class RowCache;
    const std::string bytes_;
    const size_t name_bytes_;
    bool was_used_ = false;  // guarded by the mutex of its shard
  };

  explicit RowCache(size_t bytes_max) : shard_bytes_max_(bytes_max / kShards) {}

  // Null: it is not here. A row that was found lives as long as the pointer.
  std::shared_ptr<const Row> Find(std::string_view name) const;

  // Remembers a row, if it is short enough.
  void Keep(std::string_view name, std::string_view value);

  size_t memory_bytes() const;

 private:
  static constexpr size_t kShards = 8;
  struct Shard {
    mutable std::mutex mutex;
    // Guarded by mutex.
    absl::flat_hash_map<std::string_view, std::shared_ptr<Row>, StringHash, StringEqual> rows;
    std::vector<Row*> ring;  // the same rows
    size_t hand = 0, bytes = 0;
  };
  static void DropOne(Shard* shard);

  const size_t shard_bytes_max_;
  Shard shards_[kShards];
};

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_ROW_CACHE_H_
