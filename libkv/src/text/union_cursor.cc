#include "text/union_cursor.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace libkv {

UnionCursor::UnionCursor(std::vector<std::unique_ptr<PostingsCursor>> cursors)
    : heap_(std::move(cursors)) {
  LIBKV_CHECK(!heap_.empty());
  for (const auto& cursor : heap_) {
    cost_ = cursor->cost() > UINT32_MAX - cost_ ? UINT32_MAX : cost_ + cursor->cost();
  }
  std::make_heap(heap_.begin(), heap_.end(),
                 [](const auto& a, const auto& b) { return a->document() > b->document(); });
  document_ = heap_.front()->document();
}

// Restores the order after the cursor in front has moved on.
void UnionCursor::SinkTop() {
  size_t i = 0;
  for (;;) {
    size_t least = i;
    for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap_.size(); ++child) {
      if (heap_[child]->document() < heap_[least]->document()) least = child;
    }
    if (least == i) break;
    std::swap(heap_[i], heap_[least]);
    i = least;
  }
  document_ = heap_.front()->document();
}

void UnionCursor::Next() {
  const uint32_t document = document_;
  while (heap_.front()->document() == document) {
    heap_.front()->Next();
    SinkTop();
  }
}

void UnionCursor::SeekTo(uint32_t target) {
  while (heap_.front()->document() < target) {
    heap_.front()->SeekTo(target);
    SinkTop();
  }
}

// Those on the current document are a subtree at the top of the heap.
template <typename Visit>
void UnionCursor::VisitCurrent(size_t i, Visit&& visit) {
  if (i >= heap_.size() || heap_[i]->document() != document_) return;
  visit(*heap_[i]);
  VisitCurrent(2 * i + 1, visit);
  VisitCurrent(2 * i + 2, visit);
}

uint32_t UnionCursor::frequency() {
  uint32_t sum = 0;
  VisitCurrent(0, [&sum](PostingsCursor& cursor) {
    const uint32_t frequency = cursor.frequency();
    sum = frequency > UINT32_MAX - sum ? UINT32_MAX : sum + frequency;
  });
  return sum;
}

void UnionCursor::Positions(std::vector<uint32_t>* positions) {
  std::vector<uint32_t> all;
  VisitCurrent(0, [&](PostingsCursor& cursor) {
    cursor.Positions(&positions_);
    all.insert(all.end(), positions_.begin(), positions_.end());
  });
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  *positions = std::move(all);
}

}  // namespace libkv
