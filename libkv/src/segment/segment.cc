#include "segment/segment.h"

#include <algorithm>
#include <array>

#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "segment/little_endian.h"
#include "segment/segment_format.h"
#include "segment/zigzag.h"
#include "text/length_norm.h"
#include "text/postings.h"

namespace libkv {
namespace {

// Of remembered rows: room for the keys of all documents, if they are short and alike.
constexpr uint64_t kRowBytesPerDocument = 16, kRowBytesMax = 4 << 20;

}  // namespace

Segment::Segment(const Engine& engine, uint32_t space, uint32_t number, uint64_t documents)
    : engine_(engine),
      space_(space),
      number_(number),
      row_cache_(
          std::make_unique<RowCache>(std::min(documents * kRowBytesPerDocument, kRowBytesMax))) {}

absl::StatusOr<std::unique_ptr<Segment>> Segment::Load(const Engine& engine, uint32_t space,
                                                       uint32_t segment, uint64_t documents) {
  const auto damaged = [&](std::string_view what) {
    return DataLoss("segment ", segment, " of space ", space, ": ", what);
  };
  // An ordinal must never be kNoDocument.
  if (documents == 0 || documents > kNoDocument)
    return damaged("an impossible number of documents");
  std::unique_ptr<Segment> loaded(new Segment(engine, space, segment, documents));
  const std::string lower = SegmentPrefix(space, segment, SegmentKind::kNumbers);
  const auto rows =
      engine.NewCursor(Family::kSegments, {.fill_cache = false}, lower, PrefixEnd(lower));
  uint32_t row = 0;
  for (rows->SeekToFirst(); rows->Valid(); rows->Next(), ++row) {
    if (rows->key() != SegmentChunkKey(space, segment, SegmentKind::kNumbers, row)) {
      return damaged("a row of documents is missing");
    }
    if (!loaded->AddRow(rows->value())) return damaged("a row of documents is damaged");
    if (loaded->documents() > documents) return damaged("there are too many documents");
  }
  LIBKV_RETURN_IF_ERROR(rows->status());
  if (loaded->documents() != documents) return damaged("rows of documents are missing");
  if (!loaded->SortIds()) return damaged("an id is there twice");
  loaded->ids_.ShrinkToFit();
  loaded->words_.ShrinkToFit();
  loaded->length_norms_.shrink_to_fit();
  loaded->cosines_.shrink_to_fit();
  return loaded;
}

bool Segment::AddRow(std::string_view row) {
  // Only the last row may be shorter, and blocks of numbers must not be either.
  if (documents() % kDocumentsPerRow != 0) return false;
  Reader in(row);
  uint32_t count = 0;
  uint8_t flags = 0;
  uint64_t id = 0;
  in.Varint32(&count);
  in.Fixed8(&flags);
  if (!in.ok() || count == 0 || count > kDocumentsPerRow || (flags & ~kExpiryFlag) != 0) {
    return false;
  }
  std::array<uint64_t, kDocumentsPerRow> numbers;
  const auto append = [&](NumberBlocks& blocks) {
    for (uint32_t i = 0; i < count; i += NumberBlocks::kBlock) {
      blocks.AppendBlock(
          std::span(numbers).subspan(i, std::min<size_t>(NumberBlocks::kBlock, count - i)));
    }
  };
  for (uint32_t i = 0; i < count; ++i) {
    uint64_t difference = 0;
    if (!in.Varint(&difference)) return false;
    id += static_cast<uint64_t>(UnZigZag(difference));
    if (id > kDocumentMax) return false;
    numbers[i] = id;
  }
  append(ids_);
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t words = 0;
    if (!in.Varint32(&words)) return false;
    numbers[i] = words;
    length_norms_.push_back(EncodeLength(words));
  }
  append(words_);

  std::string_view cosines;
  if (!in.Take(size_t{2} * count, &cosines)) return false;
  for (uint32_t i = 0; i < count; ++i) {
    cosines_.push_back(LoadLittle16(cosines.data() + size_t{2} * i));
  }
  std::vector<int64_t>& expiries = expiries_.emplace_back();
  if ((flags & kExpiryFlag) != 0) {
    has_expiries_ = true;
    expiries.resize(count);
    for (int64_t& expiry : expiries) {
      uint64_t bits = 0;
      in.Fixed64(&bits);
      expiry = static_cast<int64_t>(bits);
    }
  }
  return in.done();
}

int64_t Segment::Expiry(uint32_t ordinal) const {
  const std::vector<int64_t>& row = expiries_[ordinal / kDocumentsPerRow];
  return row.empty() ? 0 : row[ordinal % kDocumentsPerRow];
}

// False: an id is there twice.
bool Segment::SortIds() {
  struct Place {
    uint64_t document;
    uint32_t ordinal;
  };
  std::vector<Place> places(documents());
  for (uint32_t i = 0; i < documents(); ++i) places[i] = {ids_[i], i};
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.document < b.document; });
  by_id_.reserve(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    if (i > 0 && places[i].document == places[i - 1].document) return false;
    by_id_.push_back(places[i].ordinal);
  }
  return true;
}

std::optional<uint32_t> Segment::OrdinalOf(uint64_t document) const {
  const auto place = std::partition_point(
      by_id_.begin(), by_id_.end(), [&](uint32_t ordinal) { return ids_[ordinal] < document; });
  if (place == by_id_.end() || ids_[*place] != document) return std::nullopt;
  return *place;
}

void Segment::ForEachOrdinalOf(std::span<const uint64_t> documents,
                               absl::FunctionRef<void(uint32_t ordinal)> visit) const {
  // A search in what is left for each of few; side by side otherwise.
  constexpr size_t kFew = 16;
  const bool are_few = documents.size() < by_id_.size() / kFew;
  auto place = by_id_.begin();
  for (const uint64_t document : documents) {
    const auto is_below = [&](uint32_t ordinal) { return ids_[ordinal] < document; };
    if (are_few || place == by_id_.begin()) {
      place = std::partition_point(place, by_id_.end(), is_below);
    } else {
      while (place != by_id_.end() && is_below(*place)) ++place;
    }
    if (place == by_id_.end()) return;
    if (ids_[*place] == document) visit(*place);
  }
}

size_t Segment::memory_bytes() const {
  size_t bytes = sizeof *this + row_cache_->memory_bytes() + ids_.memory_bytes() +
                 words_.memory_bytes() + by_id_.capacity() * sizeof(uint32_t) +
                 length_norms_.capacity() + cosines_.capacity() * sizeof(uint16_t) +
                 expiries_.capacity() * sizeof expiries_[0];
  for (const std::vector<int64_t>& row : expiries_) bytes += row.capacity() * sizeof(int64_t);
  return bytes;
}

}  // namespace libkv
