// The DeltaPart is the part of a space's word index that is in memory: the documents that no sealed
// segment has yet, searchable the moment their write is committed.
//
// Threads    Add and Kill from one thread at a time (the committer, or the loader before the store
//            is open); everything else from any thread, without a lock.
#ifndef LIBKV_SRC_INDEX_DELTA_PART_H_
#define LIBKV_SRC_INDEX_DELTA_PART_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "index/delta.h"
#include "index/derived_document.h"
#include "index/document_table.h"
#include "index/text_part.h"

namespace libkv {

class DeltaPart final : public TextPart {
 public:
  DeltaPart() : delta_(&documents_) {}

  // A document with words that was committed with sequence `born`. Ids ascend.
  void Add(uint64_t document, std::string_view key, uint64_t born, int64_t expiry,
           const DerivedDocument& derived);

  // The document is gone for views from sequence `died` on. False: it is not here, or dead already.
  bool Kill(uint64_t document, uint64_t died);

  const DocumentTable& documents() const { return documents_; }
  const Delta& delta() const { return delta_; }

  // Bytes of text that were added, those of the dead included.
  size_t text_bytes() const { return text_bytes_.load(std::memory_order_relaxed); }

  std::unique_ptr<PartReader> NewReader(const PartView& view) const override;
  uint64_t document_count() const override { return documents_.size(); }
  uint64_t total_words() const override { return total_words_.load(std::memory_order_relaxed); }
  uint64_t live_documents() const override {
    return live_documents_.load(std::memory_order_relaxed);
  }
  uint64_t term_count() const override { return delta_.term_count(); }
  size_t memory_bytes() const override;

 private:
  DocumentTable documents_;
  Delta delta_;
  absl::flat_hash_map<uint64_t, uint32_t> living_;  // the writer's own: document -> ordinal

  std::atomic<uint64_t> total_words_{0}, live_documents_{0};
  std::atomic<size_t> key_bytes_{0}, text_bytes_{0};
};

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_DELTA_PART_H_
