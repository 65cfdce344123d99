// Several terms seen as one: what a prefix or a misspelt word stands for. A document has it as
// often as all of them together, where any of them stands.
//
// Without positions, lists are added up window by window, about 2 ns a posting. With them, blocks
// hold one document each, since the positions are where the lists stand.
#ifndef LIBKV_SRC_TEXT_UNION_CURSOR_H_
#define LIBKV_SRC_TEXT_UNION_CURSOR_H_

#include <array>
#include <memory>
#include <vector>

#include "text/document_heap.h"
#include "text/postings.h"

namespace libkv {

class UnionCursor final : public PostingsCursor {
 public:
  // At least one cursor. Without `has_positions`, Positions must not be called.
  UnionCursor(std::vector<std::unique_ptr<PostingsCursor>> cursors, bool has_positions);

  void Positions(std::vector<uint32_t>* positions) override;
  uint32_t cost() const override { return heap_.cost(); }
  uint32_t BoundsFrom(uint32_t target, ScoreBounds* bounds) override;
  ScoreBounds list_bounds() const override { return list_bounds_; }

 protected:
  void LoadBlock(uint32_t target) override;

 private:
  static constexpr uint32_t kWindow = 4096;
  struct Window {
    uint32_t begin = 0, word = kWindow / 64;  // words before it are empty
    std::array<uint64_t, kWindow / 64> seen{};
    std::array<uint32_t, kWindow> frequencies{};
  };
  void LoadOne(uint32_t target);
  void FillWindow();

  DocumentHeap<PostingsCursor> heap_;
  const std::unique_ptr<Window> window_;  // null: with positions
  ScoreBounds list_bounds_;
  std::vector<uint32_t> positions_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_UNION_CURSOR_H_
