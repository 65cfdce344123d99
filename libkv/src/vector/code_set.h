// A CodeSet keeps codes in memory, in the order in which they came; a slot is a code's place in it.
// One thread appends while others read, without a lock.
//
//   chunk 0: 256 rows, chunk 1: 256, chunk 2: 512, chunk 3: 1,024, ...
//   chunk = values int8[rows][padded] | scales float[rows] | norms2 float[rows] | norms float[rows]
//
// Rows never move. A scan reads nothing but values, front to back from aligned addresses, and a few
// bytes per row beside them. The untouched end of the newest chunk costs address space only.
#ifndef LIBKV_SRC_VECTOR_CODE_SET_H_
#define LIBKV_SRC_VECTOR_CODE_SET_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vector/code.h"

namespace libkv {

class CodeSet {
 public:
  // Rows that lie together: a block never reaches into another chunk.
  static constexpr size_t kBlockRows = 256;

  // `padded`: the values of one code, a multiple of 64.
  explicit CodeSet(size_t padded);
  ~CodeSet();
  CodeSet(const CodeSet&) = delete;
  CodeSet& operator=(const CodeSet&) = delete;

  size_t padded() const { return padded_; }

  // Slots below it may be read by the thread that called this.
  size_t size() const { return size_.load(std::memory_order_acquire); }

  // One thread at a time. Copies padded() values; the code is visible to readers on return.
  // At most 2^32 codes; exceptions: std::bad_alloc, and nothing has changed.
  uint32_t Append(const Code& code, std::span<const int8_t> values);

  // The code at slot < size().
  CodeView row(uint32_t slot) const;

  // Memory in use, without the untouched end of the newest chunk.
  size_t memory_bytes() const { return size() * (padded_ + kBesideBytes); }

  // The rows from `first`, a multiple of kBlockRows below size(): as many as lie in that block,
  // whether they were appended or not.
  struct Block {
    const int8_t* values;  // row i begins at values + i * padded()
    const float* scales;
    const float* norms2;
    const float* norms;  // the square roots of norms2
  };
  Block block(size_t first) const;

 private:
  static constexpr size_t kBesideBytes = 3 * sizeof(float);
  static constexpr size_t kChunkCount = 25;  // 2^32 rows

  struct Place {
    size_t chunk, row;
  };
  static Place Locate(size_t slot);
  static size_t RowsOf(size_t chunk);

  // The addresses of one row inside its chunk.
  struct Row {
    int8_t* values;
    float *scale, *norm2, *norm;
  };
  Row At(size_t slot) const;

  const size_t padded_;
  std::array<std::atomic<std::byte*>, kChunkCount> chunks_{};
  std::atomic<size_t> size_{0};
};

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_CODE_SET_H_
