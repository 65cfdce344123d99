// A Segment is what is kept in memory of a sealed segment: the numbers of its documents, and small
// rows that were read of late. Postings, words and keys stay on disk (segment_source.h,
// segment_keys.h).
//
// Threads    Any number: nothing changes but what is remembered of rows.
// Memory     About 11 bytes a document: 2 to 4 for the id, 4 to find an id, 1 for the length norm,
//            2 for the cosine norm, 1 or 2 for the number of words; and 8 where documents expire.
//            Of rows that were read, up to 16 bytes a document, 4 MiB at most.
// Lifetime   The engine must outlive it. Its rows may be dropped when nobody reads from it any
//            more.
#ifndef LIBKV_SRC_SEGMENT_SEGMENT_H_
#define LIBKV_SRC_SEGMENT_SEGMENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "engine/engine.h"
#include "segment/number_blocks.h"
#include "segment/row_cache.h"

namespace libkv {

class Segment {
 public:
  // Reads the rows of numbers. DataLoss, naming space and segment: a row is damaged or missing.
  // `documents` is what the segment row says; it must be true.
  // Cost: about 100 ns a document, most of it to sort the ids.
  static absl::StatusOr<std::unique_ptr<Segment>> Load(const Engine& engine, uint32_t space,
                                                       uint32_t segment, uint64_t documents);

  const Engine& engine() const { return engine_; }
  uint32_t space() const { return space_; }
  uint32_t number() const { return number_; }
  uint32_t documents() const { return static_cast<uint32_t>(length_norms_.size()); }

  // All of these require ordinal < documents(); O(1).
  uint64_t DocumentId(uint32_t ordinal) const { return ids_[ordinal]; }
  uint32_t Words(uint32_t ordinal) const { return static_cast<uint32_t>(words_[ordinal]); }
  uint8_t LengthNorm(uint32_t ordinal) const { return length_norms_[ordinal]; }
  const uint8_t* length_norms() const { return length_norms_.data(); }
  uint16_t CosineCode(uint32_t ordinal) const { return cosines_[ordinal]; }
  int64_t Expiry(uint32_t ordinal) const;  // 0: never
  bool has_expiries() const { return has_expiries_; }

  // The ordinal of a document; nothing when it is not in this segment. O(log documents).
  std::optional<uint32_t> OrdinalOf(uint64_t document) const;

  // The ordinals of those of `documents`, ascending, that are in this segment. Costs about 10 ns
  // for each document of the segment between the first and the last, or O(log) for each of few.
  void ForEachOrdinalOf(std::span<const uint64_t> documents,
                        absl::FunctionRef<void(uint32_t ordinal)> visit) const;

  // Rows of terms and keys, by names that begin with their kind.
  RowCache& row_cache() const { return *row_cache_; }

  size_t memory_bytes() const;

 private:
  Segment(const Engine& engine, uint32_t space, uint32_t number, uint64_t documents);

  bool AddRow(std::string_view row);
  bool SortIds();

  const Engine& engine_;
  const uint32_t space_, number_;
  NumberBlocks ids_, words_;
  std::vector<uint32_t> by_id_;  // ordinals in the order of their ids
  std::vector<uint8_t> length_norms_;
  std::vector<uint16_t> cosines_;
  std::vector<std::vector<int64_t>> expiries_;  // by kDocumentsPerRow; empty: none of them expires
  bool has_expiries_ = false;
  const std::unique_ptr<RowCache> row_cache_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_SEGMENT_H_
