#include "segment/segment_keys.h"

#include <algorithm>

#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "segment/segment_format.h"

namespace libkv {

absl::StatusOr<std::string_view> SegmentKeys::KeyOf(uint32_t ordinal) {
  const uint32_t row = ordinal / kKeysPerRow;
  if (row != row_) {
    row_ = UINT32_MAX;  // not half a row, if this fails
    LIBKV_RETURN_IF_ERROR(LoadRow(row));
    row_ = row;
  }
  const uint32_t i = ordinal % kKeysPerRow;
  return std::string_view(bytes_).substr(begin_[i], begin_[i + 1] - begin_[i]);
}

absl::StatusOr<uint32_t> SegmentKeys::LowerBound(std::string_view key) {
  uint32_t first = 0, end = segment_.documents();
  while (first < end) {
    const uint32_t middle = first + (end - first) / 2;
    LIBKV_ASSIGN_OR_RETURN(const std::string_view there, KeyOf(middle));
    if (there < key) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first;
}

absl::Status SegmentKeys::LoadRow(uint32_t row) {
  const auto damaged = [&](std::string_view what) {
    return DataLoss("segment ", segment_.number(), " of space ", segment_.space(), ": row ", row,
                    " of keys is ", what);
  };
  PinnedValue value;
  bool found = false;
  LIBKV_RETURN_IF_ERROR(segment_.engine().Get(
      Family::kSegments, {.fill_cache = fill_cache_},
      SegmentChunkKey(segment_.space(), segment_.number(), SegmentKind::kKeys, row), &value,
      &found));
  if (!found) return damaged("missing");

  bytes_.clear();
  begin_.assign(1, 0);
  const uint32_t count = std::min(kKeysPerRow, segment_.documents() - row * kKeysPerRow);
  Reader in(value.view());
  for (uint32_t i = 0; i < count; ++i) {
    uint64_t shared = 0;
    std::string_view suffix;
    const size_t before = i == 0 ? 0 : begin_[i - 1];
    if (!in.Varint(&shared) || !in.Bytes(&suffix) || shared > bytes_.size() - before ||
        bytes_.size() + shared + suffix.size() > kKeyRowBytesMax) {
      return damaged("damaged");
    }
    bytes_.append(bytes_, before, shared);
    bytes_ += suffix;
    begin_.push_back(static_cast<uint32_t>(bytes_.size()));
  }
  return in.done() ? absl::OkStatus() : damaged("damaged");
}

}  // namespace libkv
