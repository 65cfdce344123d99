#include "vector/code_set.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <new>

#include "base/check.h"

namespace libkv {
namespace {

constexpr std::align_val_t kAlignment{64};  // a cache line, and the widest register

}  // namespace

CodeSet::CodeSet(size_t padded) : padded_(padded) { LIBKV_CHECK(padded > 0 && padded % 64 == 0); }

CodeSet::~CodeSet() {
  for (std::atomic<std::byte*>& chunk : chunks_) {
    ::operator delete(chunk.load(std::memory_order_relaxed), kAlignment);
  }
}

size_t CodeSet::RowsOf(size_t chunk) { return chunk == 0 ? kBlockRows : kBlockRows << (chunk - 1); }

CodeSet::Place CodeSet::Locate(size_t slot) {
  if (slot < kBlockRows) return {0, slot};
  const auto chunk = static_cast<size_t>(std::bit_width(slot / kBlockRows));
  return {chunk, slot - RowsOf(chunk)};
}

CodeSet::Row CodeSet::At(size_t slot) const {
  const auto [chunk, row] = Locate(slot);
  const size_t rows = RowsOf(chunk);
  std::byte* const bytes = chunks_[chunk].load(std::memory_order_acquire);
  auto* const beside = reinterpret_cast<float*>(bytes + rows * padded_);
  return {reinterpret_cast<int8_t*>(bytes) + row * padded_, beside + row, beside + rows + row,
          beside + 2 * rows + row};
}

uint32_t CodeSet::Append(const Code& code, std::span<const int8_t> values) {
  LIBKV_CHECK(values.size() == padded_);
  const size_t slot = size_.load(std::memory_order_relaxed);
  LIBKV_CHECK(slot <= std::numeric_limits<uint32_t>::max());
  const size_t chunk = Locate(slot).chunk;
  if (chunks_[chunk].load(std::memory_order_relaxed) == nullptr) {
    const size_t bytes = RowsOf(chunk) * (padded_ + kBesideBytes);
    chunks_[chunk].store(static_cast<std::byte*>(::operator new(bytes, kAlignment)),
                         std::memory_order_release);
  }
  const Row row = At(slot);
  std::copy(values.begin(), values.end(), row.values);
  *row.scale = code.scale;
  *row.norm2 = code.norm2;
  *row.norm = std::sqrt(code.norm2);
  size_.store(slot + 1, std::memory_order_release);
  return static_cast<uint32_t>(slot);
}

CodeView CodeSet::row(uint32_t slot) const {
  const Row row = At(slot);
  return {{*row.scale, *row.norm2}, {row.values, padded_}};
}

CodeSet::Block CodeSet::block(size_t first) const {
  LIBKV_CHECK(first % kBlockRows == 0);
  const Row row = At(first);
  return {row.values, row.scale, row.norm2, row.norm};
}

}  // namespace libkv
