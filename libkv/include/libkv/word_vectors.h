// An embedder made of a file of word vectors, as word2vec, GloVe and fastText publish them: a text
// is the weighted mean of its words. Fast, without a network, and it knows words that the corpus
// does not have; the order of words is lost.
//
//   auto embedder = libkv::MakeWordVectorEmbedder("glove.6B.100d.txt");
//
// Words are weighted by their rarity: a / (a + p), where p is the word's share in running text,
// guessed from its place in the file, which lists frequent words first (Zipf's law). What all means
// have in common can be taken out. (Arora, Liang and Ma, "A simple but tough-to-beat baseline for
// sentence embeddings", ICLR 2017.)
//
//   text   := [count SP dimension LF] (word (SP number){dimension} [SP] LF)*      UTF-8
//   binary := count SP dimension LF (word SP f32le[dimension] [LF])*      word2vec's
#ifndef LIBKV_WORD_VECTORS_H_
#define LIBKV_WORD_VECTORS_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libkv/embedder.h"

namespace libkv {

inline constexpr size_t kWordVectorDimensionMax = 4096;

enum class WordVectorFormat {
  kAuto,  // binary when the name ends with ".bin", else text
  kText,
  kBinary,
};

struct WordVectorOptions {
  WordVectorFormat format = WordVectorFormat::kAuto;
  // The rest of the file is not read. Its first words are the frequent ones.
  size_t words_max = 500'000;
  size_t memory_bytes_max = size_t{1} << 30;  // reached: the rest of the file is not read either
  bool int8 = true;           // a byte for each number instead of four; costs no measurable quality
  double rarity = 1e-3;       // a of the weights; 0: all words weigh the same
  bool remove_common = true;  // takes out the direction that the words have most in common
};

// Words are compared as Unicode folds them (NFKC, without case); of several that fold alike the
// first counts. Its identity is "words/1:", a hash of what was read, and the options that change
// the numbers. Vectors have length 1; a text without a known word gets all zeros, which means: no
// vector. Reads the file once; takes dimension + about 40 bytes of memory for each word (4 *
// dimension without int8). NotFound: no such file. InvalidArgument: a file that is not of this
// form, with the number of the line (text) or word (binary); options out of range.
absl::StatusOr<std::shared_ptr<const Embedder>> MakeWordVectorEmbedder(
    const std::string& path, const WordVectorOptions& options = {});

}  // namespace libkv

#endif  // LIBKV_WORD_VECTORS_H_
