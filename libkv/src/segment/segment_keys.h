// The keys of a segment's documents, read from disk row by row.
#ifndef LIBKV_SRC_SEGMENT_SEGMENT_KEYS_H_
#define LIBKV_SRC_SEGMENT_SEGMENT_KEYS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/coding.h"
#include "engine/engine.h"
#include "libkv/options.h"
#include "segment/segment.h"
#include "segment/segment_format.h"

namespace libkv {

// Threads    One.
// Cost       A read for each change of row (64 keys), which stays pinned, unless the segment
//            remembers the row; of its keys up to 16 are read to find one, none twice when they are
//            asked for in ascending order.
class SegmentKeys {
 public:
  // `segment` must outlive this.
  explicit SegmentKeys(const Segment& segment, bool fill_cache = true)
      : segment_(segment), fill_cache_(fill_cache) {}

  // Reads the rows of all `ordinals`, ascending, in one go and keeps them until the next Prefetch.
  // Fails if they cannot be read; a missing row is found by KeyOf.
  absl::Status Prefetch(std::span<const uint32_t> ordinals);

  // The key of the document at `ordinal` < documents(); the view lives until the next call.
  // DataLoss: the row is damaged or missing.
  absl::StatusOr<std::string_view> KeyOf(uint32_t ordinal);

  // The first ordinal whose key is not before `key`; documents() if all are. Reads O(log documents)
  // rows.
  absl::StatusOr<uint32_t> LowerBound(std::string_view key);

 private:
  struct Row {
    uint32_t number = UINT32_MAX;
    bool found = false;
    std::shared_ptr<const RowCache::Row> kept;  // or else
    PinnedValue pinned;
    std::string_view value() const { return kept != nullptr ? kept->value() : pinned.view(); }
  };

  std::string RowKey(uint32_t row) const;
  bool Recall(Row* row) const;
  absl::Status Read(Row* row) const;
  void Remember(const Row& row) const;
  absl::StatusOr<const Row*> RowOf(uint32_t row);
  bool EnterGroup(std::string_view row, uint32_t ordinal);
  bool ReadKey();

  const Segment& segment_;
  const bool fill_cache_;
  Row last_;               // that was read by itself
  std::vector<Row> rows_;  // prefetched, ascending
  // The group at hand: the key at `next_` - 1 was read last. None before the first call, after a
  // failure and when rows have gone.
  uint32_t next_ = 0, group_end_ = 0;
  Reader in_{{}};
  std::string key_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_SEGMENT_KEYS_H_
