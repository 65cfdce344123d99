// An EntryBlock is up to 256 entries of a posting list in one piece of memory.
//
//   fixed block  values int8[rows][padded] | one-bit block and factors, if it has them | norms2 |
//                scales | documents, 5 bytes each | key offsets | keys   (as large as needed)
//   tail block   room for a fixed number of rows, appended to by one thread while others read; each
//                key has its own memory
//   bits block   one-bit block and factors | norms2, if they are asked for | documents, 5 bytes
//   each
//                (ListStorage: codes and keys are on disk only)
//
// When an entry was born, when it expires and when it died is kept in arrays that exist only if
// some entry of the block needs them. So an entry at rest costs its codes, 12 bytes of factors, 8
// of scale and norm, 5 of document, 2 of key offset (4 if the keys of a block are long), and its
// key.
#ifndef LIBKV_SRC_VECTOR_ENTRY_BLOCK_H_
#define LIBKV_SRC_VECTOR_ENTRY_BLOCK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vector/code.h"
#include "vector/one_bit.h"

namespace libkv {

inline constexpr uint64_t kAlive = std::numeric_limits<uint64_t>::max();

class EntryBlock;

// An entry of a list.
struct ListItem {
  uint64_t document = 0;
  std::string_view key;
  int64_t expiry = 0;      // milliseconds since 1970; 0: never
  uint64_t born = 0;       // seen by readers at this sequence and later; 0: by all
  uint64_t died = kAlive;  // not seen by readers at this sequence and later
  CodeView code;           // without values: only its bits are known, which are in
  const EntryBlock* block = nullptr;
  size_t row = 0;
};

// What is in memory of the entries of a list that has a centroid.
enum class ListStorage : uint8_t {
  kCodes,         // everything
  kBits,          // one-bit codes and documents; int8 codes and keys are read when they are needed
  kBitsAndNorms,  // the same and the squared norms, without which L2 cannot be bounded
};

// An entry in its block; as cheap to copy as two numbers.
class BlockEntry {
 public:
  BlockEntry(const EntryBlock* block, size_t row) : block_(block), row_(row) {}
  uint64_t document() const;
  bool has_key() const;  // in memory
  std::string_view key() const;
  // `now`: milliseconds since 1970.
  bool VisibleAt(uint64_t sequence, int64_t now) const;

 private:
  const EntryBlock* block_;
  size_t row_;
};

// Shared by the lists that hold the same block.
using EntryBlockPointer = std::shared_ptr<EntryBlock>;

class EntryBlock {
 public:
  static constexpr size_t kRowsMax = 256;

  // A fixed block. With a centroid, and at most kOneBitRows items, it has one-bit codes. Without a
  // centroid `storage` must be kCodes. Items without codes must come from blocks of this centroid.
  static EntryBlockPointer Fixed(size_t padded, const OneBitCentroid* centroid,
                                 std::span<const ListItem> items,
                                 ListStorage storage = ListStorage::kCodes);

  // Fixed blocks of kOneBitRows items each, side by side: what a scan of the bits reads of them has
  // no gaps. They share their memory, which lives as long as one of them.
  static std::vector<EntryBlockPointer> FixedTogether(size_t padded, const OneBitCentroid& centroid,
                                                      std::span<const ListItem> items);
  // How many may be together: one piece of memory stays below what an allocator maps by itself.
  static size_t TogetherMax(size_t padded);

  // An empty tail block with room for `rows`.
  static std::unique_ptr<EntryBlock> Tail(size_t padded, size_t rows);

  ~EntryBlock();
  EntryBlock(const EntryBlock&) = delete;
  EntryBlock& operator=(const EntryBlock&) = delete;

  // One thread at a time, tail blocks only. False: full.
  [[nodiscard]] bool Append(const ListItem& item);

  // One thread at a time. The place of a document that is alive, or rows().
  size_t FindAlive(uint64_t document) const;
  void Kill(size_t row, uint64_t died);

  // Rows that may be read.
  size_t rows() const { return rows_.load(std::memory_order_acquire); }
  size_t capacity() const { return value_rows_; }
  size_t memory_bytes() const;

  // False: no values, scales and keys; code() has the norm alone, if that.
  bool keeps_codes() const { return storage_ == ListStorage::kCodes; }

  const int8_t* values(size_t row) const { return values_ + row * padded_; }
  const float* scales() const { return scales_; }
  // Null: a bits block without norms.
  const float* norms2() const { return norms2_; }
  CodeView code(size_t row) const {
    if (keeps_codes()) return {{scales_[row], norms2_[row]}, {values(row), padded_}};
    return {{0, norms2_ == nullptr ? 0 : norms2_[row]}, {}};
  }

  // Null without one-bit codes. With them, norms2() has kOneBitRows numbers.
  const uint8_t* bits() const { return bits_; }
  const OneBitFactors& factors() const {
    return *reinterpret_cast<const OneBitFactors*>(bits_ + OneBitBlockBytes(padded_));
  }

  // What tells whether two entries have the same bits and factors.
  uint64_t BitsHash(size_t row) const;

  uint64_t document(size_t row) const {
    return uint64_t{document_highs()[row]} << 32 | document_lows()[row];
  }
  std::string_view key(size_t row) const;
  bool VisibleAt(size_t row, uint64_t sequence, int64_t now) const;
  ListItem item(size_t row) const;

 private:
  // Of entries that are not at rest. A fixed block has it only if some entry needs it, a tail block
  // always. Numbers are written before their row is published.
  struct Extra {
    std::unique_ptr<uint64_t[]> born;
    std::unique_ptr<int64_t[]> expiry;
    std::unique_ptr<std::string[]> keys;  // of a tail block
  };

  EntryBlock(size_t padded, size_t value_rows, size_t capacity, bool has_bits, size_t key_bytes);
  EntryBlock(size_t padded, size_t rows, ListStorage storage);  // a bits block
  // A full block in memory that somebody else owns: bits, factors and norms | values | the rest.
  EntryBlock(size_t padded, uint8_t* scanned, uint8_t* values, uint8_t* beside, bool has_long_keys);
  void Fill(const OneBitCentroid* centroid, std::span<const ListItem> items);
  void Put(size_t row, const ListItem& item);
  void PutCode(size_t row, const ListItem& item);
  void CopyBits(const EntryBlock& from, size_t from_row, size_t row);

  // The parts behind scales_, or behind the bits of a bits block, in the order of the memory.
  uint32_t* document_lows() const {
    if (keeps_codes()) return reinterpret_cast<uint32_t*>(scales_ + value_rows_);
    return reinterpret_cast<uint32_t*>(bits_ + OneBitBlockBytes(padded_) + sizeof(OneBitFactors)) +
           (norms2_ == nullptr ? 0 : kOneBitRows);
  }
  uint8_t* document_highs() const {
    return reinterpret_cast<uint8_t*>(document_lows() + value_rows_);
  }
  // Where the key of a row ends; two bytes or four.
  uint8_t* key_ends() const { return document_highs() + value_rows_; }
  char* keys() const {
    return reinterpret_cast<char*>(key_ends() + value_rows_ * KeyEndBytes(has_long_keys_));
  }
  static size_t KeyEndBytes(bool has_long_keys) {
    return has_long_keys ? sizeof(uint32_t) : sizeof(uint16_t);
  }
  size_t KeyEnd(size_t row) const;
  void SetKeyEnd(size_t row, size_t end);
  static size_t BesideBytes(size_t rows, size_t key_bytes);

  // Fixed after construction.
  const uint32_t padded_;
  const uint16_t value_rows_;  // that have memory for their values
  const uint16_t capacity_;    // of norms
  const ListStorage storage_;
  const bool has_long_keys_;       // together
  std::atomic<uint32_t> rows_{0};  // the only one of these that changes
  uint8_t* memory_;                // where it begins; null if it is another's
  int8_t* values_ = nullptr;
  uint8_t* bits_ = nullptr;
  float* scales_ = nullptr;
  float* norms2_ = nullptr;
  std::unique_ptr<Extra> extra_;

  // Null as long as every entry lives. Published whole; then single numbers change.
  std::atomic<std::atomic<uint64_t>*> died_{nullptr};
};

inline uint64_t BlockEntry::document() const { return block_->document(row_); }
inline bool BlockEntry::has_key() const { return block_->keeps_codes(); }
inline std::string_view BlockEntry::key() const { return block_->key(row_); }
inline bool BlockEntry::VisibleAt(uint64_t sequence, int64_t now) const {
  return block_->VisibleAt(row_, sequence, now);
}

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_ENTRY_BLOCK_H_
