#include "base/page_pool.h"

#include <sys/mman.h>

#include <new>

namespace libkv {

PagePool::~PagePool() {
  for (const Chunk& chunk : chunks_) munmap(chunk.begin, chunk.bytes);
}

void PagePool::NewChunk(size_t bytes) {
  const size_t wanted = (bytes + kChunkBytes - 1) / kChunkBytes * kChunkBytes;
  chunks_.reserve(chunks_.size() + 1);  // or a chunk could be lost
  void* const begin =
      mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (begin == MAP_FAILED) throw std::bad_alloc();
  chunks_.push_back({begin, wanted});
  next_ = static_cast<char*>(begin);
  left_ = wanted;
  bytes_.fetch_add(wanted, std::memory_order_relaxed);
}

}  // namespace libkv
