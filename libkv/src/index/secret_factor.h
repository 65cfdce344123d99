// A hash table can be made slow by keys that are chosen to meet in it. Multiplied by a factor that
// nobody knows, hashes spread so that nobody can choose them.
#ifndef LIBKV_SRC_INDEX_SECRET_FACTOR_H_
#define LIBKV_SRC_INDEX_SECRET_FACTOR_H_

#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace libkv {

// For the table at `place`: made from the address, which systems choose at random and no answer of
// ours gives away. Odd, as a factor must be to lose no bit. Results must not depend on it.
inline uint64_t SecretFactor(const void* place) {
  return Hash64({reinterpret_cast<const char*>(&place), sizeof place}) | 1;
}

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_SECRET_FACTOR_H_
