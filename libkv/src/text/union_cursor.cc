#include "text/union_cursor.h"

#include <algorithm>
#include <utility>

namespace libkv {

UnionCursor::UnionCursor(std::vector<std::unique_ptr<PostingsCursor>> cursors)
    : heap_(std::move(cursors)) {
  document_ = heap_.document();
}

void UnionCursor::Next() {
  heap_.Next();
  document_ = heap_.document();
}

void UnionCursor::SeekTo(uint32_t target) {
  heap_.SeekTo(target);
  document_ = heap_.document();
}

uint32_t UnionCursor::frequency() {
  uint32_t sum = 0;
  heap_.ForEachCurrent([&sum](PostingsCursor& cursor) {
    const uint32_t frequency = cursor.frequency();
    sum = frequency > UINT32_MAX - sum ? UINT32_MAX : sum + frequency;
  });
  return sum;
}

void UnionCursor::Positions(std::vector<uint32_t>* positions) {
  std::vector<uint32_t> all;
  heap_.ForEachCurrent([&](PostingsCursor& cursor) {
    cursor.Positions(&positions_);
    all.insert(all.end(), positions_.begin(), positions_.end());
  });
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  *positions = std::move(all);
}

}  // namespace libkv
