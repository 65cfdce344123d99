// The SpaceIndex is what one space keeps in memory: its documents, their words, their codes.
// It is derived from the rows on disk and rebuilt from them at open.
//
// Threads    Add and Kill from one thread at a time (the committer, or the loader before the store
//            is open); everything else from any thread, without a lock.
#ifndef LIBKV_SRC_INDEX_SPACE_INDEX_H_
#define LIBKV_SRC_INDEX_SPACE_INDEX_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "base/growing_array.h"
#include "index/delta.h"
#include "index/derived_document.h"
#include "index/document_table.h"
#include "vector/flat_scan.h"

namespace libkv {

class SpaceIndex {
 public:
  // `padded_dimension` is 0 for a space without vectors.
  explicit SpaceIndex(size_t padded_dimension);

  // A document that was committed with sequence `born`. Its id was never given before.
  void Add(uint64_t document, std::string_view key, uint64_t born, int64_t expiry,
           const DerivedDocument& derived);

  // The document is gone for views from sequence `died` on. Unknown ones are ignored.
  void Kill(uint64_t document, uint64_t died);

  const DocumentTable& documents() const { return documents_; }
  const Delta& delta() const { return delta_; }
  const CodeSet* codes() const { return codes_.get(); }  // null: no vectors

  // The document whose vector is in `slot` of codes().
  const DocumentEntry& DocumentOfSlot(size_t slot) const { return documents_[slots_[slot]]; }
  size_t slot_count() const { return codes_ == nullptr ? 0 : codes_->size(); }

  // Of all documents with words that were added, the dead included: what scores are made from.
  uint64_t document_count() const { return document_count_.load(std::memory_order_relaxed); }
  uint64_t total_words() const { return total_words_.load(std::memory_order_relaxed); }

  uint64_t live_documents() const { return live_documents_.load(std::memory_order_relaxed); }
  uint64_t live_vectors() const { return live_vectors_.load(std::memory_order_relaxed); }
  uint64_t dead_entries() const { return dead_entries_.load(std::memory_order_relaxed); }

  size_t text_bytes() const;
  size_t vector_bytes() const;

 private:
  struct Place {
    uint32_t ordinal = 0;
    bool has_words = false, has_vector = false;
  };

  DocumentTable documents_;
  Delta delta_;
  std::unique_ptr<CodeSet> codes_;
  GrowingArray<uint32_t> slots_;  // slot -> ordinal

  absl::flat_hash_map<uint64_t, Place> living_;  // the writer's own: document -> where it is

  std::atomic<uint64_t> document_count_{0}, total_words_{0};
  std::atomic<uint64_t> live_documents_{0}, live_vectors_{0}, dead_entries_{0};
  std::atomic<size_t> key_bytes_{0};
};

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_SPACE_INDEX_H_
