// Brings what a search will read nearer, while it is busy with what comes before.
#ifndef LIBKV_SRC_VECTOR_READ_AHEAD_H_
#define LIBKV_SRC_VECTOR_READ_AHEAD_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "vector/entry_block.h"
#include "vector/list_table.h"
#include "vector/one_bit.h"
#include "vector/posting_list.h"

namespace libkv {

inline void Prefetch(const void* address) { __builtin_prefetch(address); }

inline void PrefetchRow(const int8_t* values, size_t padded) {
  for (size_t i = 0; i < padded; i += kLineBytes) Prefetch(values + i);
}

// What a scan of the bits reads of a block.
inline size_t ScannedBytes(size_t padded) {
  return OneBitBlockBytes(padded) + sizeof(OneBitFactors) + kOneBitRows * sizeof(float);
}

inline void PrefetchBits(const EntryBlock& block, size_t padded) {
  const uint8_t* const bits = block.bits();
  if (bits == nullptr) return;
  const size_t bytes = OneBitBlockBytes(padded) + sizeof(OneBitFactors);
  for (size_t i = 0; i < bytes; i += kLineBytes) Prefetch(bits + i);
  if (const float* const norms2 = block.norms2()) {
    for (size_t i = 0; i < kOneBitRows; i += kLineBytes / sizeof(float)) Prefetch(norms2 + i);
  }
}

// In the order in which the search reads: the bits of so many bytes, and what leads to them, one
// step of its pointers for each list.
class ReadAhead {
 public:
  ReadAhead(std::span<const NearList> lists, size_t padded)
      : lists_(lists), padded_(padded), blocks_max_(1 + kAheadBytes / ScannedBytes(padded)) {
    for (size_t i = 0; i < kListsAhead; ++i) Reach(i);
  }

  // The search turns to the list at `i`, and to the blocks of it one after the other.
  void BeginList(size_t i) {
    Reach(i + kListsAhead);
    if (list_ > i) return;
    list_ = i;
    block_ = ahead_ = 0;
  }
  void NextBlock() {
    if (ahead_ > 0) --ahead_;
    while (ahead_ < blocks_max_ && list_ < lists_.size()) {
      const std::span<const EntryBlockPointer> blocks = lists_[list_].list->blocks();
      if (block_ == blocks.size()) {
        ++list_;
        block_ = 0;
        continue;
      }
      PrefetchBits(*blocks[block_++], padded_);
      ++ahead_;
    }
  }

 private:
  static constexpr size_t kAheadBytes = 6 << 10;
  static constexpr size_t kListsAhead = 5;

  // The list at `i` will be needed after kListsAhead others.
  void Reach(size_t i) const {
    if (i < lists_.size()) Prefetch(lists_[i].list);
    if (i >= 1 && i - 1 < lists_.size()) Prefetch(lists_[i - 1].list->blocks().data());
    if (i < 2 || i - 2 >= lists_.size()) return;
    for (const EntryBlockPointer& block : lists_[i - 2].list->blocks()) {
      Prefetch(block.get());
      Prefetch(reinterpret_cast<const char*>(block.get() + 1) - 1);
    }
  }

  const std::span<const NearList> lists_;
  const size_t padded_, blocks_max_;
  size_t list_ = 0, block_ = 0;  // the next to be brought
  size_t ahead_ = 0;             // blocks that were brought and not scanned
};

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_READ_AHEAD_H_
