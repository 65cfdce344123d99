#include "segment/segment_cursor.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <vector>

#include "base/coding.h"
#include "format/keys.h"
#include "segment/bit_packing.h"
#include "segment/impact_frontier.h"
#include "text/scoring.h"

namespace libkv {
namespace {

uint32_t PositionsOf(uint32_t frequency) { return std::min(frequency, kPositionsMax); }

// Reads `count` postings one by one; the first difference is to `before`. False: damaged, or an
// ordinal is not below `end`.
bool ReadPostings(Reader& in, uint32_t count, bool is_first, uint32_t before, uint32_t end,
                  uint32_t* documents, uint32_t* frequencies) {
  uint64_t document = before;
  for (uint32_t i = 0; i < count; ++i) {
    uint64_t head = 0;
    uint32_t frequency = 1;
    if (!in.Varint(&head)) return false;
    if ((head & 1) == 0 && !in.Varint32(&frequency)) return false;
    const uint64_t difference = head >> 1;
    if ((difference == 0 && !is_first) || difference >= end || frequency == 0) return false;
    document += difference;
    if (document >= end) return false;
    is_first = false;
    documents[i] = static_cast<uint32_t>(document);
    frequencies[i] = frequency;
  }
  return true;
}

// The next `count` positions; most take one byte or two. False: damaged.
bool ReadPositions(Reader& in, uint32_t count, uint32_t* positions) {
  const std::string_view bytes = in.rest();
  size_t at = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (bytes.size() - at >= 2) {
      const uint32_t first = static_cast<uint8_t>(bytes[at]);
      const uint32_t second = static_cast<uint8_t>(bytes[at + 1]);
      if (first < 0x80 || second < 0x80) {
        const bool is_one = first < 0x80;
        positions[i] = is_one ? first : (first & 0x7f) | second << 7;
        at += is_one ? 1 : 2;
        continue;
      }
    }
    Reader rest(bytes.substr(at));
    if (!rest.Varint32(&positions[i])) return false;
    at = bytes.size() - rest.rest().size();
  }
  std::string_view read;
  return in.Take(at, &read);
}

class ShortTermCursor final : public PostingsCursor {
 public:
  ShortTermCursor(const SegmentSource& source, std::string_view term, const TermRow& row)
      : source_(source), term_(term), in_(row.postings), cost_(row.documents) {
    count_ = row.documents;
    if (!ReadPostings(in_, count_, /*is_first=*/true, 0, source.segment().documents(),
                      documents_.data(), frequencies_.data())) {
      source_.FailDamaged("postings", term_);
      count_ = 0;
    }
    has_frequencies_ = true;
    EnterBlock();
  }

  uint32_t cost() const override { return cost_; }

  void Positions(std::vector<uint32_t>* positions) override {
    positions->clear();
    // Those of the documents before stand in front.
    for (; positions_read_ < at_; ++positions_read_) {
      if (!Skip(PositionsOf(frequencies_[positions_read_]))) return Damaged(positions);
    }
    const uint32_t count = PositionsOf(frequencies_[at_]);
    if (count > in_.rest().size()) return Damaged(positions);
    positions->resize(count);
    Reader in = in_;
    if (!ReadPositions(in, count, positions->data())) return Damaged(positions);
    for (uint32_t i = 1; i < count; ++i) (*positions)[i] += (*positions)[i - 1];
  }

  uint32_t BoundsFrom(uint32_t target, ScoreBounds* bounds) override {
    *bounds = list_bounds();
    if (count_ == 0 || target > documents_[count_ - 1]) bounds->count = 0;
    return kNoDocument - 1;
  }

  ScoreBounds list_bounds() const override {
    if (!has_bounds_) ComputeBounds();
    return bounds_;
  }

 protected:
  void LoadBlock(uint32_t) override { at_ = count_ = 0; }

 private:
  bool Skip(uint32_t numbers) {
    uint64_t number = 0;
    while (numbers > 0 && in_.Varint(&number)) --numbers;
    return numbers == 0;
  }
  void Damaged(std::vector<uint32_t>* positions) {
    positions->clear();
    source_.FailDamaged("positions", term_);
  }

  void ComputeBounds() const {
    const Segment& segment = source_.segment();
    ImpactFrontier frontier;
    for (uint32_t i = 0; i < count_; ++i) {
      const uint32_t document = documents_[i], frequency = frequencies_[i];
      frontier.Add(frequency, segment.LengthNorm(document),
                   LogFrequency(frequency) / static_cast<double>(source_.CosineNorm(document)));
    }
    bounds_ = frontier.bounds();
    has_bounds_ = true;
  }

  const SegmentSource& source_;
  const std::string_view term_;
  Reader in_;  // at the positions of document positions_read_
  uint32_t positions_read_ = 0;
  const uint32_t cost_;
  mutable bool has_bounds_ = false;
  mutable ScoreBounds bounds_;
};

class LongTermCursor final : public PostingsCursor {
 public:
  LongTermCursor(const SegmentSource& source, std::string_view term, const TermRow& row)
      : source_(source), term_(term), row_(row) {
    LoadBlock(0);
    EnterBlock();
  }

  uint32_t cost() const override { return row_.documents; }
  void Positions(std::vector<uint32_t>* positions) override;
  std::span<const uint32_t> PositionGaps(std::vector<uint32_t>* room) override;
  uint32_t BoundsFrom(uint32_t target, ScoreBounds* bounds) override;
  ScoreBounds list_bounds() const override { return LoadBounds(row_.bounds.data()); }

 protected:
  void LoadBlock(uint32_t target) override;
  void LoadFrequencies() override;

 private:
  // A row of packed data that stays pinned while blocks of it are read.
  struct PackedRow {
    PinnedValue value;
    uint32_t number = UINT32_MAX;
  };

  void Fail(std::string_view what) {
    source_.FailDamaged(what, term_);
    failed_ = true;
    positions_block_ = UINT32_MAX;  // nothing of it is to be used
  }
  bool FetchRow(SegmentKind kind, uint32_t number, PackedRow* row);
  bool FetchBlock(std::string_view* bytes);
  bool DecodePacked(std::string_view bytes);
  bool DecodeTail(std::string_view bytes);
  bool IsAscending() const;

  std::span<const uint32_t> GapsAhead(uint32_t begin, uint32_t end, std::vector<uint32_t>* room);
  bool EnterPositions();
  bool FetchPositions(std::string_view* bytes);
  bool NextGroup();
  bool ReadGroup(uint32_t end);

  const SegmentSource& source_;
  const std::string_view term_;
  const TermRow row_;
  bool failed_ = false;

  uint32_t block_ = UINT32_MAX;  // at hand
  uint32_t next_block_ = 0;
  PackedRow postings_row_;
  const char* packed_frequencies_ = nullptr;  // of the block at hand, unless it is the tail
  uint32_t frequency_bits_ = 0;

  uint32_t bounds_block_ = 0;

  // Positions of the block `positions_block_`, all its documents' together, are read in groups of
  // kPackedNumbers; the one at hand is unpacked when one of its positions is asked for. The last
  // one, if it is shorter, is not packed, and read as far as it is asked for.
  uint32_t positions_block_ = UINT32_MAX;
  PackedRow positions_row_;
  Reader positions_in_{{}};      // behind the group at hand
  uint32_t positions_left_ = 0;  // there
  uint32_t group_begin_ = 0;     // the first position of the group
  uint32_t group_count_ = 0;
  const char* packed_group_ = nullptr;  // null: group_ has it, or it is not packed
  uint32_t group_bits_ = 0;
  uint32_t group_read_ = 0;  // so many of it are in group_
  std::array<uint32_t, kPackedNumbers> group_;
  std::array<uint32_t, kPostingsBlock + 1> positions_begin_;  // of each document, and the end
};

uint32_t LongTermCursor::BoundsFrom(uint32_t target, ScoreBounds* bounds) {
  bounds_block_ = row_.FindBlock(bounds_block_, target);
  if (bounds_block_ == row_.blocks) {
    *bounds = ScoreBounds();
    bounds->count = 0;
    bounds->cosine = 0;
    return kNoDocument - 1;
  }
  *bounds = row_.Bounds(bounds_block_);
  return std::min(row_.Last(bounds_block_), kNoDocument - 1);
}

void LongTermCursor::LoadBlock(uint32_t target) {
  at_ = count_ = 0;
  has_frequencies_ = false;
  if (failed_) return;
  block_ = row_.FindBlock(next_block_, target);
  next_block_ = block_ + 1;
  if (block_ >= row_.blocks) {
    next_block_ = row_.blocks;
    return;
  }
  std::string_view bytes;
  if (!FetchBlock(&bytes)) return;
  const uint32_t tail = row_.documents % kPostingsBlock;
  const bool is_tail = block_ + 1 == row_.blocks && tail != 0;
  count_ = is_tail ? tail : kPostingsBlock;
  if (is_tail ? DecodeTail(bytes) : DecodePacked(bytes)) return;
  count_ = 0;
  Fail("a block of postings");
}

bool LongTermCursor::FetchRow(SegmentKind kind, uint32_t number, PackedRow* row) {
  if (row->number == number) return true;
  row->number = UINT32_MAX;
  const Segment& segment = source_.segment();
  bool found = false;
  const absl::Status status = segment.engine().Get(
      Family::kSegments, source_.read(),
      SegmentListKey(segment.space(), segment.number(), kind, row_.list, number), &row->value,
      &found);
  if (!status.ok()) {
    source_.Fail(status);
    failed_ = true;
    return false;
  }
  if (!found) {
    Fail("a missing row");
    return false;
  }
  row->number = number;
  return true;
}

bool LongTermCursor::FetchBlock(std::string_view* bytes) {
  if (!FetchRow(SegmentKind::kPostings, block_ / kBlocksPerRow, &postings_row_)) return false;
  const std::string_view row = postings_row_.value.view();
  const bool is_last = block_ + 1 == row_.blocks || (block_ + 1) % kBlocksPerRow == 0;
  const size_t begin = row_.BlockOffset(block_);
  const size_t end = is_last ? row.size() : row_.BlockOffset(block_ + 1);
  if (begin > end || end > row.size()) {
    Fail("the place of a block");
    return false;
  }
  *bytes = row.substr(begin, end - begin);
  return true;
}

bool LongTermCursor::DecodePacked(std::string_view bytes) {
  if (bytes.size() < 2) return false;
  const uint32_t document_bits = static_cast<uint8_t>(bytes[0]);
  frequency_bits_ = static_cast<uint8_t>(bytes[1]);
  if (document_bits > kPackedBitsMax || frequency_bits_ > kPackedBitsMax ||
      bytes.size() != 2 + PackedBytes(document_bits) + PackedBytes(frequency_bits_)) {
    return false;
  }
  const uint32_t before = block_ == 0 ? 0 : row_.Last(block_ - 1);
  UnpackSums(bytes.data() + 2, document_bits, before, documents_.data());
  packed_frequencies_ = bytes.data() + 2 + PackedBytes(document_bits);
  return IsAscending();
}

bool LongTermCursor::DecodeTail(std::string_view bytes) {
  Reader in(bytes);
  has_frequencies_ = true;
  return ReadPostings(in, count_, block_ == 0, block_ == 0 ? 0 : row_.Last(block_ - 1),
                      source_.segment().documents(), documents_.data(), frequencies_.data()) &&
         in.done() && documents_[count_ - 1] == row_.Last(block_);
}

// Also: all of them are ordinals of the segment, as the skip table says. What cursors promise rests
// on it, and so does every look into the numbers of a document.
bool LongTermCursor::IsAscending() const {
  uint32_t faults = block_ > 0 && documents_[0] <= row_.Last(block_ - 1) ? 1 : 0;
  for (uint32_t i = 1; i < kPostingsBlock; ++i) faults |= documents_[i] <= documents_[i - 1];
  return faults == 0 && documents_[kPostingsBlock - 1] == row_.Last(block_) &&
         documents_[kPostingsBlock - 1] < source_.segment().documents();
}

void LongTermCursor::LoadFrequencies() {
  Unpack(packed_frequencies_, frequency_bits_, frequencies_.data());
  for (uint32_t& frequency : frequencies_) ++frequency;
  if (frequency_bits_ < kPackedBitsMax) return;
  for (uint32_t& frequency : frequencies_) {
    if (frequency != 0) continue;
    frequency = 1;
    Fail("a frequency");
  }
}

void LongTermCursor::Positions(std::vector<uint32_t>* positions) {
  const std::span<const uint32_t> gaps = PositionGaps(positions);
  positions->resize(gaps.size());
  std::partial_sum(gaps.begin(), gaps.end(), positions->begin());
}

std::span<const uint32_t> LongTermCursor::PositionGaps(std::vector<uint32_t>* room) {
  if (positions_block_ != block_ && !EnterPositions()) return {};
  const uint32_t begin = positions_begin_[at_], end = positions_begin_[at_ + 1];
  if (end - group_begin_ > group_read_) return GapsAhead(begin, end, room);
  return std::span(group_).subspan(begin - group_begin_, end - begin);
}

// The same where not all of them are in group_.
std::span<const uint32_t> LongTermCursor::GapsAhead(uint32_t begin, uint32_t end,
                                                    std::vector<uint32_t>* room) {
  room->clear();
  for (uint32_t from = begin; from < end;) {
    if (from >= group_begin_ + group_count_) {
      if (NextGroup()) continue;
      Fail("positions");
      return {};
    }
    const uint32_t group_end = std::min(end, group_begin_ + group_count_);
    if (group_read_ < group_end - group_begin_ && !ReadGroup(group_end - group_begin_)) {
      Fail("positions");
      return {};
    }
    const uint32_t* const gaps = group_.data() + (from - group_begin_);
    if (from == begin && group_end == end) return {gaps, end - begin};
    room->insert(room->end(), gaps, gaps + (group_end - from));
    from = group_end;
  }
  return *room;
}

bool LongTermCursor::EnterPositions() {
  if (failed_) return false;
  frequency();  // for all of the block
  std::string_view bytes;
  if (failed_ || !FetchPositions(&bytes)) return false;
  positions_block_ = block_;
  positions_in_ = Reader(bytes);
  uint32_t positions = 0;  // of at most 128 documents: no overflow
  for (uint32_t i = 0; i < count_; ++i) {
    positions_begin_[i] = positions;
    positions += PositionsOf(frequencies_[i]);
  }
  positions_begin_[count_] = positions_left_ = positions;
  group_begin_ = group_read_ = 0;
  group_count_ = 0;
  return true;
}

bool LongTermCursor::FetchPositions(std::string_view* bytes) {
  uint32_t first = 0, end = row_.position_rows;  // the first row that begins behind the block
  while (first < end) {
    const uint32_t middle = first + (end - first) / 2;
    if (row_.FirstBlock(middle) <= block_) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  if (first == 0) {
    Fail("the list of rows of positions");
    return false;
  }
  if (!FetchRow(SegmentKind::kPositions, first - 1, &positions_row_)) return false;
  const std::string_view row = positions_row_.value.view();
  const bool is_last = block_ + 1 == row_.blocks ||
                       (first < row_.position_rows && row_.FirstBlock(first) == block_ + 1);
  const size_t from = row_.PositionsOffset(block_);
  const size_t to = is_last ? row.size() : row_.PositionsOffset(block_ + 1);
  if (from > to || to > row.size()) {
    Fail("the place of positions");
    return false;
  }
  *bytes = row.substr(from, to - from);
  return true;
}

// False: damaged.
bool LongTermCursor::NextGroup() {
  group_begin_ += group_count_;
  group_count_ = std::min<uint32_t>(positions_left_, kPackedNumbers);
  positions_left_ -= group_count_;
  group_read_ = 0;
  packed_group_ = nullptr;
  if (group_count_ < kPackedNumbers) return group_count_ > 0;
  uint8_t bits = 0;
  std::string_view packed;
  if (!positions_in_.Fixed8(&bits) || bits > kPackedBitsMax) return false;
  if (!positions_in_.Take(PackedBytes(bits), &packed)) return false;
  packed_group_ = packed.data();
  group_bits_ = bits;
  return true;
}

// Makes the first `end` positions of the group be in group_, and some more. False: damaged.
bool LongTermCursor::ReadGroup(uint32_t end) {
  if (packed_group_ != nullptr) {
    Unpack(packed_group_, group_bits_, group_.data());
    group_read_ = kPackedNumbers;
    return true;
  }
  constexpr uint32_t kMore = 32;
  end = std::min(group_count_, end + kMore);
  if (!ReadPositions(positions_in_, end - group_read_, group_.data() + group_read_)) return false;
  group_read_ = end;
  return end < group_count_ || positions_in_.done();
}

class AllDocumentsCursor final : public PostingsCursor {
 public:
  explicit AllDocumentsCursor(const Segment& segment) : segment_(segment) {
    frequencies_.fill(1);
    LoadBlock(0);
    EnterBlock();
  }
  uint32_t cost() const override { return segment_.documents(); }
  void Positions(std::vector<uint32_t>* positions) override { positions->clear(); }

 protected:
  void LoadBlock(uint32_t target) override {
    at_ = count_ = 0;
    has_frequencies_ = true;
    for (; target < segment_.documents() && count_ < kPostingsBlock; ++target) {
      if (segment_.LengthNorm(target) != 0) documents_[count_++] = target;
    }
  }

 private:
  const Segment& segment_;
};

}  // namespace

std::unique_ptr<PostingsCursor> NewTermCursor(const SegmentSource& source, std::string_view term,
                                              const TermRow& row) {
  if (row.is_long()) return std::make_unique<LongTermCursor>(source, term, row);
  return std::make_unique<ShortTermCursor>(source, term, row);
}

std::unique_ptr<PostingsCursor> NewAllDocumentsCursor(const Segment& segment) {
  return std::make_unique<AllDocumentsCursor>(segment);
}

}  // namespace libkv
