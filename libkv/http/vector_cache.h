// The vectors of texts that were asked for lately, within a bound of bytes.
#ifndef LIBKV_HTTP_VECTOR_CACHE_H_
#define LIBKV_HTTP_VECTOR_CACHE_H_

#include <cstddef>
#include <list>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/hash.h"

namespace libkv {

// Texts are known by 128 bits of their hash: that two of them meet will not be seen.
// Threads    Any.
class VectorCache {
 public:
  VectorCache(size_t bytes_max, size_t dimension);

  // Copies the vector of `text` to `vector`; false: it is not there.
  bool Find(const Hash128& text, std::span<float> vector);
  // The text that was asked for longest ago leaves when there is no room. `generation` is the one
  // from before the vector was made: nothing is kept if Clear was called since.
  void Insert(uint64_t generation, const Hash128& text, std::span<const float> vector);
  uint64_t generation() const;

  // Begins a generation.
  void Clear();

  size_t size() const;

 private:
  struct Entry {
    Hash128 text;
    std::vector<float> vector;
  };
  struct LowBits {
    size_t operator()(const Hash128& hash) const { return hash.low; }
  };

  const size_t entries_max_;
  mutable std::mutex mutex_;
  uint64_t generation_ = 0;   // guarded by mutex_
  std::list<Entry> entries_;  // guarded by mutex_; asked for last in front
  std::unordered_map<Hash128, std::list<Entry>::iterator, LowBits> index_;  // guarded by mutex_
};

}  // namespace libkv

#endif  // LIBKV_HTTP_VECTOR_CACHE_H_
