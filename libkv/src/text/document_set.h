// Some documents of one part of an index, as a bit for each: what a filter lets through, what a
// search has matched.
#ifndef LIBKV_SRC_TEXT_DOCUMENT_SET_H_
#define LIBKV_SRC_TEXT_DOCUMENT_SET_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/postings.h"

namespace libkv {

class DocumentSet {
 public:
  void Add(uint32_t document) {
    const size_t word = document / 64;
    if (word >= words_.size()) words_.resize(word + 1);
    const uint64_t bit = uint64_t{1} << (document % 64);
    count_ += (words_[word] & bit) == 0 ? 1 : 0;
    words_[word] |= bit;
  }

  bool Contains(uint32_t document) const {
    const size_t word = document / 64;
    return word < words_.size() && (words_[word] >> (document % 64) & 1) != 0;
  }

  // The first document >= `target`; kNoDocument when there is none.
  uint32_t From(uint32_t target) const {
    size_t word = target / 64;
    if (word >= words_.size()) return kNoDocument;
    uint64_t bits = words_[word] >> (target % 64) << (target % 64);
    while (bits == 0) {
      if (++word == words_.size()) return kNoDocument;
      bits = words_[word];
    }
    return static_cast<uint32_t>(word * 64) + static_cast<uint32_t>(std::countr_zero(bits));
  }

  uint32_t count() const { return count_; }

 private:
  std::vector<uint64_t> words_;
  uint32_t count_ = 0;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_DOCUMENT_SET_H_
