// Several walks over documents, merged: the one that stands on the least document is in front.
#ifndef LIBKV_SRC_TEXT_DOCUMENT_HEAP_H_
#define LIBKV_SRC_TEXT_DOCUMENT_HEAP_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"

namespace libkv {

// `Walk` has document(), Next(), SeekTo(target) and cost(), as PostingsCursor has.
template <typename Walk>
class DocumentHeap {
 public:
  // At least one walk.
  explicit DocumentHeap(std::vector<std::unique_ptr<Walk>> walks) : heap_(std::move(walks)) {
    LIBKV_CHECK(!heap_.empty());
    for (const auto& walk : heap_) {
      cost_ = walk->cost() > UINT32_MAX - cost_ ? UINT32_MAX : cost_ + walk->cost();
    }
    Rebuild();
  }

  uint32_t document() const { return heap_.front()->document(); }
  uint32_t cost() const { return cost_; }  // the sum of all

  // All walks on the least document go on.
  void Next() {
    const uint32_t least = document();
    while (document() == least) {
      heap_.front()->Next();
      SinkFront();
    }
  }

  void SeekTo(uint32_t target) {
    while (document() < target) {
      heap_.front()->SeekTo(target);
      SinkFront();
    }
  }

  // Those on the least document: a subtree at the top of the heap.
  template <typename Visit>
  void ForEachCurrent(Visit&& visit) {
    VisitBelow(0, document(), visit);
  }

  // All of them, which stay where they are.
  template <typename Visit>
  void ForEachWalk(Visit&& visit) {
    for (const auto& walk : heap_) visit(*walk);
  }

  // All of them, which may move meanwhile.
  template <typename Visit>
  void ForEach(Visit&& visit) {
    for (const auto& walk : heap_) visit(*walk);
    Rebuild();
  }

 private:
  void Rebuild() {
    std::make_heap(heap_.begin(), heap_.end(),
                   [](const auto& a, const auto& b) { return a->document() > b->document(); });
  }

  // Restores the order after the walk in front has moved on.
  void SinkFront() {
    for (size_t i = 0;;) {
      size_t least = i;
      for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap_.size(); ++child) {
        if (heap_[child]->document() < heap_[least]->document()) least = child;
      }
      if (least == i) return;
      std::swap(heap_[i], heap_[least]);
      i = least;
    }
  }

  template <typename Visit>
  void VisitBelow(size_t i, uint32_t document, Visit&& visit) {
    if (i >= heap_.size() || heap_[i]->document() != document) return;
    visit(*heap_[i]);
    VisitBelow(2 * i + 1, document, visit);
    VisitBelow(2 * i + 2, document, visit);
  }

  std::vector<std::unique_ptr<Walk>> heap_;
  uint32_t cost_ = 0;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_DOCUMENT_HEAP_H_
