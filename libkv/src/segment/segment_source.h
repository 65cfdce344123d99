// Searches read a sealed segment through a SegmentSource: one for each search and segment.
//
// Rows of terms are fetched at Prefetch, in one go, and kept while the source lives: cursors read
// them where they lie. Rows that are damaged or missing, and errors of reading, end the cursor;
// status() says what happened.
//
// Threads    One, cursors included.
// Lifetime   The segment must outlive the source, the source its cursors.
// Cost       A term that was not prefetched is one read, unless the segment remembers its row.
// Documents are unpacked in blocks of 128,
//            frequencies and positions only when they are asked for.
#ifndef LIBKV_SRC_SEGMENT_SEGMENT_SOURCE_H_
#define LIBKV_SRC_SEGMENT_SEGMENT_SOURCE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "segment/segment.h"
#include "segment/term_row.h"
#include "text/postings.h"

namespace libkv {

class SegmentSource final : public PostingsSource {
 public:
  explicit SegmentSource(const Segment& segment, bool fill_cache = true);
  ~SegmentSource() override;

  void Prefetch(std::span<const std::string> terms) const override;
  uint32_t DocumentFrequency(std::string_view term) const override;
  std::unique_ptr<PostingsCursor> Open(std::string_view term) const override;
  std::unique_ptr<PostingsCursor> OpenAll() const override;
  std::unique_ptr<WordCursor> OpenWords(std::string_view prefix) const override;
  uint8_t LengthNorm(uint32_t ordinal) const override { return segment_.LengthNorm(ordinal); }
  const uint8_t* length_norms() const override { return segment_.length_norms(); }
  float CosineNorm(uint32_t ordinal) const override;
  void CosineNorms(std::span<const uint32_t> ordinals, float* norms) const override;
  absl::Status status() const override { return status_; }

  // Opens a term whose row is at hand: `row` and `term` must live as long as the cursor. Null:
  // the row is damaged.
  std::unique_ptr<PostingsCursor> OpenRow(std::string_view term, std::string_view row) const;

  const Segment& segment() const { return segment_; }
  EngineRead read() const { return {.fill_cache = fill_cache_}; }

  // Keeps the first failure. What a cursor of this calls.
  void Fail(absl::Status status) const;
  void FailDamaged(std::string_view what, std::string_view term) const;

 private:
  struct CachedTerm {
    std::string term;
    std::shared_ptr<const RowCache::Row> kept;  // or else
    PinnedValue pinned;
    TermRow parsed;
    bool is_there = false;  // and intact
  };

  const CachedTerm& Fetch(std::string_view term) const;
  bool Recall(CachedTerm& cached) const;
  void Read(CachedTerm& cached) const;
  void Take(CachedTerm& cached, bool found) const;
  void Parse(CachedTerm& cached, std::string_view row) const;
  std::string RowKey(const CachedTerm& cached) const;

  const Segment& segment_;
  const bool fill_cache_;
  mutable StringMap<std::unique_ptr<CachedTerm>> terms_;
  mutable absl::Status status_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_SEGMENT_SOURCE_H_
