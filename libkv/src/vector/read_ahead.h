// Brings what a search will read nearer, while it is busy with what comes before.
#ifndef LIBKV_SRC_VECTOR_READ_AHEAD_H_
#define LIBKV_SRC_VECTOR_READ_AHEAD_H_

#include <algorithm>
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

inline void PrefetchRange(const void* begin, size_t bytes) {
  const char* const first = static_cast<const char*>(begin);
  for (size_t i = 0; i < bytes; i += kLineBytes) Prefetch(first + i);
  Prefetch(first + bytes - 1);
}

// In the order in which the search reads: the bits of so many bytes. What leads to them, from a
// list to its blocks to their headers, comes before, a step for many lists at a time: one after the
// other each would wait for memory.
class ReadAhead {
 public:
  ReadAhead(std::span<const NearList> lists, size_t padded)
      : lists_(lists), padded_(padded), blocks_max_(1 + kAheadBytes / ScannedBytes(padded)) {}

  // The search turns to the list at `i`, and to the blocks of it one after the other.
  void BeginList(size_t i) {
    while (reached_ < lists_.size() && reached_ < i + kListsAhead) ReachMore();
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
  static constexpr size_t kListsAhead = 4;
  static constexpr size_t kListsTogether = 12;

  void ReachMore() {
    const auto some = lists_.subspan(reached_, std::min(kListsTogether, lists_.size() - reached_));
    reached_ += some.size();
    for (const NearList& near : some) PrefetchRange(near.list, sizeof(PostingList));
    for (const NearList& near : some) {
      const std::span<const EntryBlockPointer> blocks = near.list->blocks();
      if (!blocks.empty()) PrefetchRange(blocks.data(), blocks.size_bytes());
    }
    for (const NearList& near : some) {
      for (const EntryBlockPointer& block : near.list->blocks()) {
        PrefetchRange(block.get(), sizeof(EntryBlock));
      }
    }
  }

  const std::span<const NearList> lists_;
  const size_t padded_, blocks_max_;
  size_t reached_ = 0;           // lists whose headers were brought
  size_t list_ = 0, block_ = 0;  // the next to be brought
  size_t ahead_ = 0;             // blocks that were brought and not scanned
};

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_READ_AHEAD_H_
