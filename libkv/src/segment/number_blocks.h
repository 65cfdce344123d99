// Numbers that are near their neighbours, in little memory: blocks of 64, each a smallest number
// and differences to it in 0, 1, 2, 4 or 8 bytes, as the greatest needs.
#ifndef LIBKV_SRC_SEGMENT_NUMBER_BLOCKS_H_
#define LIBKV_SRC_SEGMENT_NUMBER_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace libkv {

class NumberBlocks {
 public:
  static constexpr size_t kBlock = 64;

  // The next block: kBlock numbers, or fewer in the last one.
  void AppendBlock(std::span<const uint64_t> numbers);

  uint64_t operator[](size_t i) const {
    const Block& block = blocks_[i / kBlock];
    return block.base + Difference(block, i % kBlock);
  }

  size_t size() const { return size_; }

  void ShrinkToFit();
  size_t memory_bytes() const {
    return blocks_.capacity() * sizeof(Block) + differences_.capacity();
  }

 private:
  struct Block {
    uint64_t base;
    uint64_t begin : 56, width : 8;  // of its differences, in bytes
  };

  uint64_t Difference(const Block& block, size_t i) const;

  std::vector<Block> blocks_;
  std::vector<uint8_t> differences_;
  size_t size_ = 0;
};

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_NUMBER_BLOCKS_H_
