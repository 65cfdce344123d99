#include "segment/segment_keys.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "segment/little_endian.h"

namespace libkv {
namespace {

// Of a row in the segment's cache.
std::string KeysName(uint32_t row) {
  std::string name(1 + sizeof row, 'K');
  StoreLittle32(name.data() + 1, row);
  return name;
}

}  // namespace

absl::Status SegmentKeys::Prefetch(std::span<const uint32_t> ordinals) {
  group_end_ = 0;
  rows_.clear();
  for (const uint32_t ordinal : ordinals) {
    const uint32_t row = ordinal / kKeysPerRow;
    if (rows_.empty() || rows_.back().number != row) rows_.emplace_back().number = row;
  }
  std::vector<Row*> missing;
  for (Row& row : rows_) {
    if (!Recall(&row)) missing.push_back(&row);
  }
  if (missing.empty()) return absl::OkStatus();
  if (missing.size() == 1) return Read(missing.front());
  std::vector<std::string> keys;
  for (const Row* const row : missing) keys.push_back(RowKey(row->number));
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::vector<PinnedValue> values(missing.size());
  const auto found = std::make_unique<bool[]>(missing.size());
  LIBKV_RETURN_IF_ERROR(segment_.engine().MultiGet(Family::kSegments, {.fill_cache = fill_cache_},
                                                   views, values.data(), found.get()));
  for (size_t i = 0; i < missing.size(); ++i) {
    missing[i]->pinned = std::move(values[i]);
    missing[i]->found = found[i];
    Remember(*missing[i]);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> SegmentKeys::KeyOf(uint32_t ordinal) {
  const auto damaged = [&](std::string_view what) {
    group_end_ = 0;
    return DataLoss("segment ", segment_.number(), " of space ", segment_.space(), ": row ",
                    ordinal / kKeysPerRow, " of keys is ", what);
  };
  // In the group at hand, and not read yet or read last?
  const bool is_ahead = ordinal < group_end_ && ordinal + 1 >= next_ &&
                        ordinal / kKeysPerGroup == (group_end_ - 1) / kKeysPerGroup;
  if (!is_ahead) {
    LIBKV_ASSIGN_OR_RETURN(const Row* const row, RowOf(ordinal / kKeysPerRow));
    if (!row->found) return damaged("missing");
    if (!EnterGroup(row->value(), ordinal)) return damaged("damaged");
  }
  while (next_ <= ordinal) {
    if (!ReadKey()) return damaged("damaged");
  }
  return key_;
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

std::string SegmentKeys::RowKey(uint32_t row) const {
  return SegmentChunkKey(segment_.space(), segment_.number(), SegmentKind::kKeys, row);
}

absl::StatusOr<const SegmentKeys::Row*> SegmentKeys::RowOf(uint32_t row) {
  const auto prefetched = std::lower_bound(rows_.begin(), rows_.end(), row,
                                           [](const Row& a, uint32_t b) { return a.number < b; });
  if (prefetched != rows_.end() && prefetched->number == row) return &*prefetched;
  if (last_.number == row) return &last_;
  group_end_ = 0;  // it may be of this row
  last_ = Row();
  Row next;
  next.number = row;
  if (!Recall(&next)) LIBKV_RETURN_IF_ERROR(Read(&next));
  last_ = std::move(next);
  return &last_;
}

// Whether the segment remembers it.
bool SegmentKeys::Recall(Row* row) const {
  if (!fill_cache_) return false;
  row->kept = segment_.row_cache().Find(KeysName(row->number));
  row->found = row->kept != nullptr;
  return row->found;
}

absl::Status SegmentKeys::Read(Row* row) const {
  LIBKV_RETURN_IF_ERROR(segment_.engine().Get(Family::kSegments, {.fill_cache = fill_cache_},
                                              RowKey(row->number), &row->pinned, &row->found));
  Remember(*row);
  return absl::OkStatus();
}

void SegmentKeys::Remember(const Row& row) const {
  if (fill_cache_ && row.found) {
    segment_.row_cache().Keep(KeysName(row.number), row.pinned.view());
  }
}

// To the first key of the group of `ordinal`. False: damaged.
bool SegmentKeys::EnterGroup(std::string_view row, uint32_t ordinal) {
  const uint32_t row_begin = ordinal / kKeysPerRow * kKeysPerRow;
  const uint32_t count = std::min(kKeysPerRow, segment_.documents() - row_begin);
  const uint32_t groups = (count - 1) / kKeysPerGroup + 1;
  const uint32_t group = (ordinal - row_begin) / kKeysPerGroup;
  const size_t head_bytes = sizeof(uint32_t) * groups;
  if (row.size() < head_bytes) return false;
  const auto offset = [&](uint32_t i) -> size_t {
    return i == groups ? row.size() : LoadLittle32(row.data() + sizeof(uint32_t) * i);
  };
  const size_t begin = offset(group), end = offset(group + 1);
  if (begin < head_bytes || begin > end || end > row.size()) return false;
  in_ = Reader(row.substr(begin, end - begin));
  next_ = row_begin + group * kKeysPerGroup;
  group_end_ = std::min(next_ + kKeysPerGroup, segment_.documents());
  key_.clear();
  return true;
}

// The next key of the group. False: damaged.
bool SegmentKeys::ReadKey() {
  uint64_t shared = 0;
  std::string_view suffix;
  if (!in_.Varint(&shared) || !in_.Bytes(&suffix) || shared > key_.size() ||
      shared + suffix.size() > kKeyBytesMax) {
    return false;
  }
  key_.resize(shared);
  key_ += suffix;
  ++next_;
  return next_ < group_end_ || in_.done();
}

}  // namespace libkv
