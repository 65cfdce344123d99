// GrowingArray: an array that one thread appends to while others read it, without a lock.
//
// A std::vector moves its elements when it grows, under the readers' feet. Here elements never
// move: they live in chunks of kFirst, kFirst, 2 kFirst, 4 kFirst, ... elements, so 40 chunk
// pointers are enough for any size, and the untouched end of the newest chunk costs address space
// but no memory.
//
// The writer constructs an element, then publishes the new size; a reader loads the size first and
// may read everything below it.
#ifndef LIBKV_SRC_BASE_GROWING_ARRAY_H_
#define LIBKV_SRC_BASE_GROWING_ARRAY_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "base/check.h"

namespace libkv {

template <typename T, size_t kFirst = 1024>
class GrowingArray {
  static_assert(std::has_single_bit(kFirst));

 public:
  GrowingArray() = default;
  GrowingArray(const GrowingArray&) = delete;
  GrowingArray& operator=(const GrowingArray&) = delete;

  ~GrowingArray() {
    const size_t count = size();
    for (size_t i = 0; i < count; ++i) (*this)[i].~T();
    for (size_t c = 0; c < chunks_.size(); ++c) {
      if (T* chunk = chunks_[c].load(std::memory_order_relaxed)) {
        std::allocator<T>().deallocate(chunk, ChunkCount(c));
      }
    }
  }

  size_t size() const { return size_.load(std::memory_order_acquire); }

  // i < a size() that this thread has seen.
  T& operator[](size_t i) { return *Slot(i); }
  const T& operator[](size_t i) const { return *Slot(i); }

  // Writer only. The element is visible to readers when Append returns.
  template <typename... Args>
  T& Append(Args&&... args) {
    const size_t i = size_.load(std::memory_order_relaxed);
    const auto [c, offset] = Locate(i);
    LIBKV_CHECK(c < chunks_.size());
    T* chunk = chunks_[c].load(std::memory_order_relaxed);
    if (chunk == nullptr) {
      chunk = std::allocator<T>().allocate(ChunkCount(c));
      chunks_[c].store(chunk, std::memory_order_release);
    }
    T* element = new (chunk + offset) T(std::forward<Args>(args)...);
    size_.store(i + 1, std::memory_order_release);
    return *element;
  }

 private:
  static size_t ChunkCount(size_t c) { return c == 0 ? kFirst : kFirst << (c - 1); }

  static std::pair<size_t, size_t> Locate(size_t i) {
    if (i < kFirst) return {0, i};
    const size_t c = static_cast<size_t>(std::bit_width(i / kFirst));
    return {c, i - (kFirst << (c - 1))};
  }

  T* Slot(size_t i) const {
    const auto [c, offset] = Locate(i);
    return chunks_[c].load(std::memory_order_acquire) + offset;
  }

  std::array<std::atomic<T*>, 40> chunks_{};
  std::atomic<size_t> size_{0};
};

}  // namespace libkv

#endif  // LIBKV_SRC_BASE_GROWING_ARRAY_H_
