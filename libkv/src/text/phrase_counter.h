// Counts how often a phrase, or two phrases near each other, stand in a document.
//
//   phrase      The terms stand in order, each at least as far behind the one before as in the
//               phrase, and all gaps together are at most `slop` words longer than the phrase's.
//               Counted are the places of the first term from which that can be had.
//   near        The last term of one and the first of the other have at most `near` words between
//               them; either may come first, they do not overlap. Counted are the places of the
//               left one with a right one near, or those of the right one with a left one near,
//               whichever are fewer: so the order of the two makes no difference.
#ifndef LIBKV_SRC_TEXT_PHRASE_COUNTER_H_
#define LIBKV_SRC_TEXT_PHRASE_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "text/postings.h"

namespace libkv {

class PhraseCounter {
 public:
  // The terms of one phrase.
  explicit PhraseCounter(uint32_t slop = 0) : left_{0, 0, slop} {}

  // The terms that are added from here on are the right one of two.
  void StartRight(uint32_t slop, uint32_t near);

  // Counts from here on in the document of `cursor`, `offset` words after the phrase's first; in
  // ascending order.
  void AddTerm(PostingsCursor* cursor, uint32_t offset);

  // All cursors must stand on one document. Costs the positions of the terms that are rarest there,
  // up to the one that rules out the last place of a plain phrase; else those of all.
  uint32_t Count();

  // By the last Count.
  size_t positions_read() const { return positions_read_; }

 private:
  struct Place {
    size_t list;  // in lists_
    uint32_t offset;
    size_t at = 0;
  };
  struct Phrase {
    size_t first = 0, end = 0;  // in places_
    uint32_t slop = 0;
  };
  struct Span {
    uint64_t begin, end;  // positions of the first and the last term
  };
  void Read(size_t list);
  uint32_t CountExact();
  uint32_t CountPair();
  void KeepStarts(const std::vector<uint32_t>& positions, uint32_t offset);
  void FindSpans(const Phrase& phrase, std::vector<Span>* spans);
  uint32_t CountNear() const;

  std::vector<PostingsCursor*> cursors_;                   // distinct
  std::vector<std::vector<uint32_t>> lists_;               // positions, parallel to cursors_
  std::vector<std::pair<uint32_t, size_t>> by_frequency_;  // frequency, list; the rarest first
  std::vector<uint32_t> starts_;                           // where the phrase may begin
  size_t positions_read_ = 0;
  std::vector<Place> places_;
  Phrase left_, right_;
  bool has_right_ = false;
  uint32_t near_ = 0;
  std::vector<Span> left_spans_, right_spans_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_PHRASE_COUNTER_H_
