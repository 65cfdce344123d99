// A PostingList holds the entries around one centroid: whose they are, from when to when they are
// seen, their int8 codes, and one-bit codes relative to the centroid for the scan.
//
//   list = blocks (fixed) + tail (grows)
//   numbered list    blocks of 32 rows with one-bit codes, one shorter block; a tail of 4 * 8 rows
//   list 0           no centroid: blocks of 256 rows, a tail of 256 rows, int8 only
//   by bits alone    a numbered list that leaves int8 codes and keys on disk (ListStorage): the
//                    blocks alone, every one with bits; no tail
//
// A full tail makes a successor: a new list that shares the full blocks and gathers the rest into
// blocks. Who still reads the old list is not disturbed.
//
// Threads    Append, Kill and Grown by one thread at a time; everything else by any thread at the
//            same time, without a lock.
// Lifetime   Views of entries live as long as the list that gave them.
// Errors     std::bad_alloc only, and then nothing has changed.
#ifndef LIBKV_SRC_VECTOR_POSTING_LIST_H_
#define LIBKV_SRC_VECTOR_POSTING_LIST_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "vector/aligned_array.h"
#include "vector/code.h"
#include "vector/entry_block.h"

namespace libkv {

// The number of the list that has no centroid and takes what no other list takes.
inline constexpr uint32_t kFlatList = 0;

class PostingList {
 public:
  static constexpr size_t kFlatBlockRows = 256;
  static constexpr size_t kTailRows = 8;
  static constexpr size_t kTailCount = 4;

  // A list of exactly these items, in their order. List 0 takes a centroid without values.
  // Everything is copied. Items without codes must come from a list with this centroid. List 0
  // always keeps its codes. Cost: one pass, about 0.2 us per item of 1,024 dimensions.
  static std::shared_ptr<PostingList> Build(uint32_t number, size_t padded,
                                            const CodeView& centroid,
                                            std::span<const ListItem> items,
                                            ListStorage storage = ListStorage::kCodes);

  // A list whose entries are not in memory: it must be replaced in the table before entries are
  // appended.
  static std::shared_ptr<PostingList> Unloaded(uint32_t number, size_t padded,
                                               const CodeView& centroid);

  uint32_t number() const { return number_; }
  size_t padded() const { return padded_; }
  bool is_loaded() const { return is_loaded_; }

  // Entries that a list built anew would not have, because they died, or would have in a block with
  // one-bit codes: those of the tail.
  size_t loose() const;

  // Whether int8 codes and keys are in memory too, if anything is.
  bool keeps_codes() const { return storage_ == ListStorage::kCodes; }

  // Without values for list 0.
  CodeView centroid() const {
    return {centroid_, {centroid_values_.data(), centroid_values_.size()}};
  }

  // Adds an entry, which readers see on return. False: there is no room, use Grown; always so
  // without codes. Requires is_loaded().
  [[nodiscard]] bool Append(const ListItem& item);

  // The successor: all entries of this list and `more`. It has room again, and takes this list's
  // place in the table; from then on this list must not be changed. `settled` is a sequence at or
  // above which every reader reads: entries of gathered blocks that died at or before it are left
  // out, and those born at or before it need no number any more. 0 keeps everything.
  // Cost: the rows of the tail and of the last block are copied; one pointer for each other block.
  std::shared_ptr<PostingList> Grown(std::span<const ListItem> more, uint64_t settled = 0) const;

  // The entry of `document` is gone for readers at sequence `died` and later. Its memory stays
  // until the list is built anew. False: no such entry that is alive.
  bool Kill(uint64_t document, uint64_t died);

  // Entries, and those of them that are not killed.
  size_t size() const;
  size_t live() const { return live_.load(std::memory_order_relaxed); }
  size_t memory_bytes() const;

  // Every entry, the dead ones too, in order. The items' views live as long as this list.
  void ForEach(absl::FunctionRef<void(const ListItem& item)> visit) const;

  // The blocks for a scan, the tail's last: rows below rows() of each may be read.
  void ForEachBlock(absl::FunctionRef<void(const EntryBlock& block)> visit) const;

  // The fixed ones alone, and the tail's by their place; null: not there yet.
  std::span<const EntryBlockPointer> blocks() const { return blocks_; }
  const EntryBlock* tail(size_t i) const { return tail_[i].load(std::memory_order_acquire); }

  ~PostingList();
  PostingList(const PostingList&) = delete;
  PostingList& operator=(const PostingList&) = delete;

 private:
  PostingList(uint32_t number, size_t padded, const CodeView& centroid, bool is_loaded,
              ListStorage storage);

  size_t tail_rows() const { return number_ == kFlatList ? kFlatBlockRows : kTailRows; }
  size_t tail_count() const { return number_ == kFlatList ? 1 : kTailCount; }
  void AddBlocks(std::span<const ListItem> items);
  void CountBytes(size_t first_block);  // of that and those behind it

  // Fixed after construction.
  const uint32_t number_;
  const size_t padded_;
  const bool is_loaded_;
  const ListStorage storage_;
  const Code centroid_;
  AlignedArray<int8_t> centroid_values_;
  std::vector<EntryBlockPointer> blocks_;
  size_t block_rows_ = 0;  // in blocks_

  // Written by the one thread that changes the list.
  std::array<std::atomic<EntryBlock*>, kTailCount> tail_{};
  std::atomic<size_t> live_{0};
  std::atomic<size_t> block_bytes_{0};  // of blocks_: to visit all of them takes milliseconds
};

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_POSTING_LIST_H_
