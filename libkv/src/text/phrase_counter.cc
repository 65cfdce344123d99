#include "text/phrase_counter.h"

#include <algorithm>

namespace libkv {

void PhraseCounter::StartRight(uint32_t slop, uint32_t near) {
  right_ = {places_.size(), places_.size(), slop};
  has_right_ = true;
  near_ = near;
}

void PhraseCounter::AddTerm(PostingsCursor* cursor, uint32_t offset) {
  const auto found = std::find(cursors_.begin(), cursors_.end(), cursor);
  const auto list = static_cast<size_t>(found - cursors_.begin());
  if (found == cursors_.end()) {
    cursors_.push_back(cursor);
    lists_.emplace_back();
  }
  places_.push_back({list, offset});
  (has_right_ ? right_ : left_).end = places_.size();
}

uint32_t PhraseCounter::Count() {
  positions_read_ = 0;
  if (!has_right_ && left_.slop == 0) return CountExact();
  for (size_t list = 0; list < cursors_.size(); ++list) Read(list);
  for (Place& place : places_) place.at = 0;
  FindSpans(left_, &left_spans_);
  if (!has_right_) return static_cast<uint32_t>(left_spans_.size());
  FindSpans(right_, &right_spans_);
  return CountNear();
}

void PhraseCounter::Read(size_t list) {
  cursors_[list]->Positions(&lists_[list]);
  positions_read_ += lists_[list].size();
}

uint32_t PhraseCounter::CountExact() {
  if (places_.size() == 2 && cursors_.size() == 2) return CountPair();
  by_frequency_.clear();
  for (size_t list = 0; list < cursors_.size(); ++list) {
    by_frequency_.emplace_back(cursors_[list]->frequency(), list);
  }
  std::sort(by_frequency_.begin(), by_frequency_.end());
  bool is_first = true;
  for (const auto& [frequency, list] : by_frequency_) {
    Read(list);
    const std::vector<uint32_t>& positions = lists_[list];
    for (const Place& place : places_) {
      if (place.list != list) continue;
      if (is_first) {
        starts_.clear();
        for (const uint32_t position : positions) {
          if (position >= place.offset) starts_.push_back(position - place.offset);
        }
      } else {
        KeepStarts(positions, place.offset);
      }
      is_first = false;
      if (starts_.empty()) return 0;
    }
  }
  return static_cast<uint32_t>(starts_.size());
}

// Two different terms, the most frequent case: no order is worth choosing.
uint32_t PhraseCounter::CountPair() {
  const std::span<const uint32_t> first = cursors_[0]->PositionGaps(&lists_[0]);
  const std::span<const uint32_t> second = cursors_[1]->PositionGaps(&lists_[1]);
  positions_read_ = first.size() + second.size();
  if (first.empty() || second.empty()) return 0;
  const uint32_t from = places_[0].offset, to = places_[1].offset;
  // Where the phrase would have to begin, moved behind it all.
  uint64_t a = uint64_t{first[0]} + to, b = uint64_t{second[0]} + from;
  const uint64_t least = uint64_t{from} + to;
  size_t i = 0, j = 0;
  uint32_t count = 0;
  for (;;) {
    const bool steps_first = a <= b, steps_second = b <= a;
    count += a == b && a >= least ? 1 : 0;
    i += steps_first ? 1 : 0;
    j += steps_second ? 1 : 0;
    if (i == first.size() || j == second.size()) return count;
    a += steps_first ? first[i] : 0;
    b += steps_second ? second[j] : 0;
  }
}

// Of starts_, those with a position at `offset` behind them.
void PhraseCounter::KeepStarts(const std::vector<uint32_t>& positions, uint32_t offset) {
  size_t kept = 0;
  const uint32_t* at = positions.data();
  const uint32_t* const end = at + positions.size();
  for (const uint32_t start : starts_) {
    const uint64_t wanted = uint64_t{start} + offset;
    while (at != end && *at < wanted) ++at;
    if (at == end) break;
    starts_[kept] = start;
    kept += *at == wanted;
  }
  starts_.resize(kept);
}

// From each place of the first term, every next one as early as it may stand: no other choice ends
// earlier. A later begin never ends earlier, so places only move forward here too.
void PhraseCounter::FindSpans(const Phrase& phrase, std::vector<Span>* spans) {
  spans->clear();
  const Place& first = places_[phrase.first];
  const uint64_t own = places_[phrase.end - 1].offset - first.offset;
  for (const uint32_t begin : lists_[first.list]) {
    uint64_t end = begin;
    for (size_t i = phrase.first + 1; i < phrase.end; ++i) {
      Place& place = places_[i];
      const uint64_t least = end + (place.offset - places_[i - 1].offset);
      const std::vector<uint32_t>& list = lists_[place.list];
      while (place.at < list.size() && list[place.at] < least) ++place.at;
      if (place.at == list.size()) return;
      end = list[place.at];
    }
    if (end - begin <= own + phrase.slop) spans->push_back({begin, end});
  }
}

uint32_t PhraseCounter::CountNear() const {
  // Both begins and ends of spans ascend. Counts those of `from` with one of `to` near.
  const auto count = [this](const std::vector<Span>& from, const std::vector<Span>& to) {
    uint32_t sum = 0;
    auto after = to.begin();   // the first that begins behind the span
    auto before = to.begin();  // the first that does not end in front of it
    for (const Span& span : from) {
      while (after != to.end() && after->begin <= span.end) ++after;
      while (before != to.end() && before->end < span.begin) ++before;
      const bool has_after = after != to.end() && after->begin - span.end <= near_ + 1;
      const bool has_before =
          before != to.begin() && span.begin - std::prev(before)->end <= near_ + 1;
      sum += has_after || has_before;
    }
    return sum;
  };
  return std::min(count(left_spans_, right_spans_), count(right_spans_, left_spans_));
}

}  // namespace libkv
