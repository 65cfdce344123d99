// The keys of a segment's documents, read from disk row by row.
#ifndef LIBKV_SRC_SEGMENT_SEGMENT_KEYS_H_
#define LIBKV_SRC_SEGMENT_SEGMENT_KEYS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libkv/options.h"
#include "segment/segment.h"
#include "segment/segment_format.h"

namespace libkv {

// Threads    One.
// Cost       A read for each change of row (64 keys); the last row is kept.
class SegmentKeys {
 public:
  // `segment` must outlive this.
  explicit SegmentKeys(const Segment& segment, bool fill_cache = true)
      : segment_(segment), fill_cache_(fill_cache) {}

  // The key of the document at `ordinal` < documents(); the view lives until the next call.
  // DataLoss: the row is damaged or missing.
  absl::StatusOr<std::string_view> KeyOf(uint32_t ordinal);

  // The first ordinal whose key is not before `key`; documents() if all are. Reads O(log documents)
  // rows.
  absl::StatusOr<uint32_t> LowerBound(std::string_view key);

 private:
  absl::Status LoadRow(uint32_t row);

  const Segment& segment_;
  const bool fill_cache_;
  static constexpr size_t kKeyRowBytesMax = kKeysPerRow * kKeyBytesMax;
  uint32_t row_ = UINT32_MAX;
  std::string bytes_;            // the keys of the row, one after the other
  std::vector<uint32_t> begin_;  // of each in bytes_, and the end of the last
};

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_SEGMENT_KEYS_H_
