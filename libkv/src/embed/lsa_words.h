// The words of a text as "lsa/1" counts them: the terms that the analyzer cuts, known by their hash
// alone. A model that kept them as text would be larger, and that two of 32,768 words meet has a
// probability of 3e-11.
#ifndef LIBKV_SRC_EMBED_LSA_WORDS_H_
#define LIBKV_SRC_EMBED_LSA_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "libkv/analyzer.h"

namespace libkv {

// The rest of a text does not count.
inline constexpr size_t kLsaTextBytesMax = 64 << 10;
inline constexpr uint64_t kLsaWordSeed = 3;

struct LsaWord {
  uint64_t hash = 0;
  uint32_t count = 0;
};

// Counts the words of one text after the other; belongs to one thread.
class LsaWordCounter {
 public:
  // The distinct words of `text` in the order of their first occurrence: an order that is the
  // text's alone, so that sums over them round alike everywhere. Valid until the next call.
  const std::vector<LsaWord>& Count(const Analyzer& analyzer, std::string_view text);

 private:
  void Add(uint64_t hash);
  void Grow();

  std::vector<LsaWord> words_;
  std::vector<uint32_t> slots_;  // 0: free; else 1 + index into words_
};

}  // namespace libkv

#endif  // LIBKV_SRC_EMBED_LSA_WORDS_H_
