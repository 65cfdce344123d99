#include "text/matcher.h"

#include <algorithm>
#include <span>

namespace libkv {
namespace {

std::vector<Matcher*> PointersTo(const std::vector<std::unique_ptr<Matcher>>& matchers) {
  std::vector<Matcher*> pointers;
  pointers.reserve(matchers.size());
  for (const auto& matcher : matchers) pointers.push_back(matcher.get());
  return pointers;
}

}  // namespace

void Matcher::Collect(uint32_t end, MatchBatch* batch) {
  uint32_t count = 0;
  for (; document_ < end && count < batch->documents.size(); ++count, Next()) {
    batch->documents[count] = document_;
    batch->scores[count] = Score();
  }
  batch->count = count;
}

void TermMatcher::Collect(uint32_t end, MatchBatch* batch) {
  batch->count = 0;
  if (document_ >= end) return;
  const std::span<const uint32_t> ahead = cursor_->documents_ahead();
  const size_t count =
      ahead.back() < end
          ? ahead.size()
          : static_cast<size_t>(std::lower_bound(ahead.begin(), ahead.end(), end) - ahead.begin());
  std::copy_n(ahead.data(), count, batch->documents.data());
  scorer_.ScoreAll(ahead.first(count), cursor_->frequencies_ahead().first(count), weight_,
                   batch->scores.data());
  batch->count = static_cast<uint32_t>(count);
  cursor_->SkipAhead(count);
  document_ = cursor_->document();
}

uint32_t TermMatcher::UnitBoundFrom(uint32_t target, double* bound) {
  if (!has_bound_ || target > bound_until_) {
    ScoreBounds bounds;
    // At least one document on, whatever a damaged source says: walks along bounds must end.
    bound_until_ = std::max(cursor_->BoundsFrom(target, &bounds), target);
    unit_bound_ = scorer_.Bound(bounds);
    has_bound_ = true;
  }
  *bound = unit_bound_;
  return bound_until_;
}

Disjunction::Disjunction(std::vector<std::unique_ptr<Matcher>> matchers)
    : matchers_(PointersTo(matchers)), heap_(std::move(matchers)) {
  document_ = heap_.document();
}

void Disjunction::Next() {
  heap_.Next();
  document_ = heap_.document();
}

void Disjunction::SeekTo(uint32_t target) {
  heap_.SeekTo(target);
  document_ = heap_.document();
}

double Disjunction::Score() {
  double score = 0;
  for (Matcher* const matcher : matchers_) {
    if (matcher->document() == document_) score += matcher->Score();
  }
  return score;
}

double Disjunction::UpperBound() const {
  double sum = 0;
  for (const Matcher* const matcher : matchers_) sum += matcher->UpperBound();
  return sum;
}

uint32_t Disjunction::BoundFrom(uint32_t target, double* bound) {
  double sum = 0;
  uint32_t until = kNoDocument - 1;
  for (Matcher* const matcher : matchers_) {
    if (matcher->document() == kNoDocument) continue;
    double own = 0;
    until = std::min(until, matcher->BoundFrom(std::max(target, matcher->document()), &own));
    sum += own;
  }
  *bound = sum;
  return until;
}

}  // namespace libkv
