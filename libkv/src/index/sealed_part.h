// The SealedPart is a part of a space's word index on disk: a segment, which never changes, and
// what has died in it since.
//
// A reader asks for a bit per document; only for views older than the newest death it looks up when
// the document died.
//
// Threads    Kill from one thread at a time; everything else from any.
#ifndef LIBKV_SRC_INDEX_SEALED_PART_H_
#define LIBKV_SRC_INDEX_SEALED_PART_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "format/catalog_rows.h"
#include "index/text_part.h"
#include "segment/segment.h"

namespace libkv {

class SealedPart final : public TextPart {
 public:
  // `summary` is the segment's own. Its rows must stay as long as this lives.
  SealedPart(std::shared_ptr<const Segment> segment, const SegmentSummary& summary);

  // The document is gone for views from sequence `died` on. False: it is not here, or dead already.
  bool Kill(uint64_t document, uint64_t died);

  const Segment& segment() const { return *segment_; }

  bool IsDead(uint32_t ordinal) const {
    return (dead_[ordinal / 64].load(std::memory_order_acquire) >> (ordinal % 64) & 1) != 0;
  }
  bool has_dead() const { return dead_count_.load(std::memory_order_acquire) != 0; }
  bool VisibleAt(uint32_t ordinal, uint64_t sequence, int64_t now) const;

  // The segment row as of now; and its dead set, read back. False: it is damaged.
  std::string EncodeRow() const;
  bool AddDead(std::string_view encoded);

  // Set by Kill; whoever writes the dead set to disk resets it.
  bool has_unsaved_deaths() const { return has_unsaved_deaths_; }
  void DeathsAreSaved() { has_unsaved_deaths_ = false; }

  std::unique_ptr<PartReader> NewReader(const PartView& view) const override;
  uint64_t document_count() const override { return segment_->documents(); }
  uint64_t total_words() const override { return summary_.words; }
  uint64_t live_documents() const override {
    return segment_->documents() - dead_count_.load(std::memory_order_relaxed);
  }
  uint64_t term_count() const override { return summary_.terms; }
  size_t memory_bytes() const override;

 private:
  bool SetDead(uint32_t ordinal);

  const std::shared_ptr<const Segment> segment_;
  const SegmentSummary summary_;
  std::vector<std::atomic<uint64_t>> dead_;  // a bit per document
  std::atomic<uint64_t> dead_count_{0};
  std::atomic<uint64_t> last_died_{0};
  bool has_unsaved_deaths_ = false;  // the writer's own

  mutable std::mutex mutex_;
  absl::flat_hash_map<uint32_t, uint64_t> died_;  // guarded by mutex_: of the deaths since open
};

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_SEALED_PART_H_
