// The embedder "hash/1" of libkv/embedder.h. Every constant here is part of its identity: change
// one, and it must be called "hash/2".
//
// Words are maximal runs of [A-Za-z0-9] and of bytes above ASCII, in lower case as far as they are
// ASCII; 33 frequent English words are left out. The features of a text are its words, and of each
// word w the runs of 3 to 5 characters of "^w$". A feature that occurs n times weighs 1 + ln n, a
// word twice that; its hash chooses one of 1,024 sums and the sign with which it is added. The sums
// are brought to length 1.
//
// A text without words has no direction: its vector is all zeros, and the caller must take that
// for "no vector".
#ifndef LIBKV_SRC_EMBED_HASH_EMBEDDER_H_
#define LIBKV_SRC_EMBED_HASH_EMBEDDER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace libkv {

inline constexpr size_t kHashDimension = 1024;
// The rest of a text does not count, nor do the characters of a word beyond its first 64.
inline constexpr size_t kHashTextBytesMax = 64 << 10;
inline constexpr size_t kHashWordCharactersMax = 64;
inline constexpr size_t kGramCharactersMin = 3;
inline constexpr size_t kGramCharactersMax = 5;
// Measured: nDCG@10 on Cranfield and CACM is flat between 1.5 and 2.5 and falls on both sides.
inline constexpr double kWordWeight = 2;
inline constexpr uint64_t kWordSeed = 1;
inline constexpr uint64_t kGramSeed = 2;

// Writes the vector of `text` to `vector`, kHashDimension floats. The same bits on every machine.
void HashEmbed(std::string_view text, std::span<float> vector);

}  // namespace libkv

#endif  // LIBKV_SRC_EMBED_HASH_EMBEDDER_H_
