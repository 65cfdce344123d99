// The VectorTable is what a space keeps in memory of its vectors: their codes, and whose they are.
//
// Threads    Add and Kill from one thread at a time (the committer, or the loader before the store
//            is open); everything else from any thread, without a lock.
#ifndef LIBKV_SRC_INDEX_VECTOR_TABLE_H_
#define LIBKV_SRC_INDEX_VECTOR_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "index/derived_document.h"
#include "index/document_table.h"
#include "vector/flat_scan.h"

namespace libkv {

class VectorTable {
 public:
  explicit VectorTable(size_t padded_dimension) : codes_(padded_dimension) {}

  // A document with a vector that was committed with sequence `born`. Its id was never given
  // before.
  void Add(uint64_t document, std::string_view key, uint64_t born, int64_t expiry,
           const DerivedDocument& derived);

  // The document is gone for views from sequence `died` on. Unknown ones are ignored.
  void Kill(uint64_t document, uint64_t died);

  // Slots are numbered alike in both.
  const DocumentTable& documents() const { return documents_; }
  const CodeSet& codes() const { return codes_; }
  size_t size() const { return codes_.size(); }

  uint64_t live() const { return live_.load(std::memory_order_relaxed); }
  size_t memory_bytes() const;

 private:
  DocumentTable documents_;
  CodeSet codes_;
  absl::flat_hash_map<uint64_t, uint32_t> living_;  // the writer's own: document -> slot
  std::atomic<uint64_t> live_{0};
  std::atomic<size_t> key_bytes_{0};
};

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_VECTOR_TABLE_H_
