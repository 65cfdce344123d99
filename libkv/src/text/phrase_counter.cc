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
  for (size_t i = 0; i < cursors_.size(); ++i) cursors_[i]->Positions(&lists_[i]);
  for (Place& place : places_) place.at = 0;
  if (!has_right_ && left_.slop == 0) return CountExact();
  FindSpans(left_, &left_spans_);
  if (!has_right_) return static_cast<uint32_t>(left_spans_.size());
  FindSpans(right_, &right_spans_);
  return CountNear();
}

// Places only move forward: the positions asked for ascend.
bool PhraseCounter::StandsAt(Place* place, uint64_t position) {
  const std::vector<uint32_t>& list = lists_[place->list];
  while (place->at < list.size() && list[place->at] < position) ++place->at;
  return place->at < list.size() && list[place->at] == position;
}

uint32_t PhraseCounter::CountExact() {
  const Place& lead =
      *std::min_element(places_.begin(), places_.end(), [this](const Place& a, const Place& b) {
        return lists_[a.list].size() < lists_[b.list].size();
      });
  uint32_t count = 0;
  for (const uint32_t position : lists_[lead.list]) {
    if (position < lead.offset) continue;
    const uint64_t start = position - lead.offset;
    count += std::all_of(places_.begin(), places_.end(), [&](Place& place) {
      return &place == &lead || StandsAt(&place, start + place.offset);
    });
  }
  return count;
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
