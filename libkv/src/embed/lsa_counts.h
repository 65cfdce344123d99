// Which words are in which texts, and how often: what a model of "lsa/1" is learnt from, wherever
// the words were counted.
#ifndef LIBKV_SRC_EMBED_LSA_COUNTS_H_
#define LIBKV_SRC_EMBED_LSA_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "embed/sparse_matrix.h"
#include "libkv/lsa.h"

namespace libkv {

// The words that a model knows: those in the most texts.
inline constexpr size_t kLsaWordsMax = 32'768;
// While words are counted. When there are more, those in the fewest texts are forgotten.
inline constexpr size_t kLsaCountedWordsMax = 1'000'000;
// Words of texts in the matrix: 64 MiB, and the time of the decomposition. Texts beyond it are
// counted, but teach no axes; it takes more than 100,000 texts of 80 different words.
inline constexpr size_t kLsaMatrixEntriesMax = 8'000'000;

struct LsaCountedWord {
  uint64_t hash = 0;   // Hash64(term, kLsaWordSeed)
  uint32_t texts = 0;  // that have it
};

struct LsaCounts {
  uint64_t text_count = 0;            // with words
  std::vector<LsaCountedWord> words;  // hashes ascend
  SparseMatrix counts{0};             // a row for each text, a column for each of `words`
};

// More texts first; the order is total, and the same on every machine.
inline bool InMoreTexts(const LsaCountedWord& a, const LsaCountedWord& b) {
  return a.texts != b.texts ? a.texts > b.texts : a.hash < b.hash;
}

// The model that `counts` teach. Equal counts in equal order give equal bytes. Errors and
// `progress` as LsaTrainer::Train has them.
absl::StatusOr<std::string> LearnLsaModel(LsaCounts counts, const LsaOptions& options,
                                          LsaProgress progress);

}  // namespace libkv

#endif  // LIBKV_SRC_EMBED_LSA_COUNTS_H_
