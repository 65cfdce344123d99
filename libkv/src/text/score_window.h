// The scores of a range of documents, for a disjunction to add up: cheaper than merging lists that
// have many documents in common.
#ifndef LIBKV_SRC_TEXT_SCORE_WINDOW_H_
#define LIBKV_SRC_TEXT_SCORE_WINDOW_H_

#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "text/matcher.h"

namespace libkv {

class ScoreWindow {
 public:
  static constexpr uint32_t kDocuments = 4096;

  // An empty window moves to [begin, begin + kDocuments).
  void MoveTo(uint32_t begin) { begin_ = begin; }

  // All within the window.
  void Add(const MatchBatch& batch) {
    for (uint32_t k = 0; k < batch.count; ++k) {
      const uint32_t i = batch.documents[k] - begin_;
      scores_[i] += batch.scores[k];
      seen_[i / 64] |= uint64_t{1} << (i % 64);
    }
  }

  // Calls visit(document, score) in ascending order until it returns false, and empties the
  // window. False: visit did.
  template <typename Visit>
  bool Drain(Visit&& visit) {
    bool go_on = true;
    for (uint32_t w = 0; w < seen_.size(); ++w) {
      for (uint64_t word = std::exchange(seen_[w], 0); word != 0; word &= word - 1) {
        const uint32_t i = w * 64 + static_cast<uint32_t>(std::countr_zero(word));
        const double score = std::exchange(scores_[i], 0);
        if (go_on) go_on = visit(begin_ + i, score);
      }
    }
    return go_on;
  }

 private:
  uint32_t begin_ = 0;
  std::array<uint64_t, kDocuments / 64> seen_{};
  std::array<double, kDocuments> scores_{};
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_SCORE_WINDOW_H_
