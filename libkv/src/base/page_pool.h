// Memory in small pieces that all go together. It comes from the system page by page and goes back
// there at once: an index that was in memory for a minute leaves no holes in the heap.
//
// Threads    Take by one thread at a time; bytes() by any.
#ifndef LIBKV_SRC_BASE_PAGE_POOL_H_
#define LIBKV_SRC_BASE_PAGE_POOL_H_

#include <atomic>
#include <cstddef>
#include <vector>

namespace libkv {

class PagePool {
 public:
  static constexpr size_t kChunkBytes = size_t{256} << 10;
  static constexpr size_t kAlign = 8;

  PagePool() = default;
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // `bytes` bytes, zeros, at a multiple of kAlign. They live as long as the pool. Exceptions:
  // std::bad_alloc.
  char* Take(size_t bytes) {
    bytes = (bytes + kAlign - 1) / kAlign * kAlign;
    if (bytes > left_) NewChunk(bytes);
    char* const taken = next_;
    next_ += bytes;
    left_ -= bytes;
    return taken;
  }

  // Memory in use, with what is not taken yet.
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Chunk {
    void* begin;
    size_t bytes;
  };
  void NewChunk(size_t bytes);

  std::vector<Chunk> chunks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  std::atomic<size_t> bytes_{0};
};

}  // namespace libkv

#endif  // LIBKV_SRC_BASE_PAGE_POOL_H_
