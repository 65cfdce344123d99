#include "text/union_cursor.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"

namespace libkv {
namespace {

uint32_t SaturatingSum(uint32_t a, uint32_t b) { return b > UINT32_MAX - a ? UINT32_MAX : a + b; }

// The sum of two lists' terms: no more often than both together, in no fewer words than either.
// Cosines add up, since 1 + ln(a + b) <= (1 + ln a) + (1 + ln b) for a, b >= 1.
void AddBounds(const ScoreBounds& added, ScoreBounds* bounds) {
  Impact greatest{0, UINT8_MAX};
  for (uint32_t i = 0; i < added.count; ++i) {
    greatest.frequency = std::max(greatest.frequency, added.impacts[i].frequency);
    greatest.length_norm = std::min(greatest.length_norm, added.impacts[i].length_norm);
  }
  Impact& sum = bounds->impacts[0];
  sum.frequency = SaturatingSum(sum.frequency, greatest.frequency);
  sum.length_norm = std::min(sum.length_norm, greatest.length_norm);
  bounds->cosine += added.cosine;
}

ScoreBounds NoBounds() {
  ScoreBounds bounds{.count = 1, .cosine = 0};
  bounds.impacts[0] = {0, UINT8_MAX};
  return bounds;
}

}  // namespace

UnionCursor::UnionCursor(std::vector<std::unique_ptr<PostingsCursor>> cursors, bool has_positions)
    : heap_(std::move(cursors)),
      window_(has_positions ? nullptr : std::make_unique<Window>()),
      list_bounds_(NoBounds()) {
  heap_.ForEach([this](PostingsCursor& cursor) { AddBounds(cursor.list_bounds(), &list_bounds_); });
  LoadBlock(0);
  EnterBlock();
}

void UnionCursor::Positions(std::vector<uint32_t>* positions) {
  LIBKV_CHECK(window_ == nullptr);
  positions->clear();
  heap_.ForEachCurrent([&](PostingsCursor& cursor) {
    cursor.Positions(&positions_);
    positions->insert(positions->end(), positions_.begin(), positions_.end());
  });
  std::sort(positions->begin(), positions->end());
  positions->erase(std::unique(positions->begin(), positions->end()), positions->end());
}

uint32_t UnionCursor::BoundsFrom(uint32_t target, ScoreBounds* bounds) {
  // What is in the window already, the lists' own bounds may not speak of any more.
  if (document_ != heap_.document() && target < heap_.document()) {
    *bounds = list_bounds_;
    return heap_.document() - 1;
  }
  uint32_t until = kNoDocument - 1;
  *bounds = NoBounds();
  heap_.ForEachWalk([&](PostingsCursor& cursor) {
    if (cursor.document() == kNoDocument) return;
    ScoreBounds own;
    until = std::min(until, cursor.BoundsFrom(std::max(target, cursor.document()), &own));
    AddBounds(own, bounds);
  });
  return until;
}

void UnionCursor::LoadBlock(uint32_t target) {
  at_ = count_ = 0;
  has_frequencies_ = true;
  if (window_ == nullptr) {
    LoadOne(target);
    return;
  }
  Window& window = *window_;
  if (target > window.begin && target - window.begin >= kWindow) {
    window.seen.fill(0);
    window.word = kWindow / 64;
  }
  while (count_ < kPostingsBlock) {
    while (window.word < window.seen.size() && window.seen[window.word] == 0) ++window.word;
    if (window.word == window.seen.size()) {
      if (count_ != 0) return;
      heap_.SeekTo(target);
      if (heap_.document() == kNoDocument) return;
      FillWindow();
      continue;
    }
    uint64_t& word = window.seen[window.word];
    const uint32_t i = window.word * 64 + static_cast<uint32_t>(std::countr_zero(word));
    word &= word - 1;
    const uint32_t document = window.begin + i;
    documents_[count_] = document;
    frequencies_[count_] = window.frequencies[i];
    count_ += document >= target;
  }
}

void UnionCursor::LoadOne(uint32_t target) {
  heap_.SeekTo(target);
  if (heap_.document() == kNoDocument) return;
  uint32_t sum = 0;
  heap_.ForEachCurrent(
      [&sum](PostingsCursor& cursor) { sum = SaturatingSum(sum, cursor.frequency()); });
  documents_[0] = heap_.document();
  frequencies_[0] = sum;
  count_ = 1;
}

void UnionCursor::FillWindow() {
  Window& window = *window_;
  window.begin = heap_.document();
  window.word = 0;
  heap_.ForEach([&window](PostingsCursor& cursor) {
    while (cursor.document() - window.begin < kWindow && cursor.document() != kNoDocument) {
      const std::span<const uint32_t> documents = cursor.documents_ahead();
      const std::span<const uint32_t> frequencies = cursor.frequencies_ahead();
      size_t n = 0;
      for (; n < documents.size() && documents[n] - window.begin < kWindow; ++n) {
        const uint32_t i = documents[n] - window.begin;
        uint64_t& word = window.seen[i / 64];
        const uint64_t bit = uint64_t{1} << (i % 64);
        const uint32_t before = (word & bit) != 0 ? window.frequencies[i] : 0;
        window.frequencies[i] = SaturatingSum(before, frequencies[n]);
        word |= bit;
      }
      cursor.SkipAhead(n);
    }
  });
}

}  // namespace libkv
