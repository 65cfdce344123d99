// XXH3, the one hash of this library: checksums on disk, hash tables in memory.
#ifndef LIBKV_SRC_BASE_HASH_H_
#define LIBKV_SRC_BASE_HASH_H_

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <string_view>

namespace libkv {

inline uint64_t Hash64(std::string_view bytes, uint64_t seed = 0) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

struct Hash128 {
  uint64_t high = 0, low = 0;
  bool operator==(const Hash128&) const = default;
};

inline Hash128 HashWide(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

}  // namespace libkv

#endif  // LIBKV_SRC_BASE_HASH_H_
