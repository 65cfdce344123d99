#include "text/max_score.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/check.h"

namespace libkv {
namespace {

// The first windows are small: until the best are known a little, all in them has to be read.
constexpr uint32_t kFirstWindow = 512;

}  // namespace

MaxScore::MaxScore(std::vector<std::unique_ptr<Matcher>> matchers, Pace* pace)
    : pace_(*pace), width_(kFirstWindow) {
  LIBKV_CHECK(!matchers.empty());
  double before = 0, behind = 0;
  for (std::unique_ptr<Matcher>& matcher : matchers) {
    const double bound = matcher->UpperBound();
    lists_.push_back({.matcher = std::move(matcher), .others = before});
    before += bound;
  }
  for (size_t i = lists_.size(); i-- > 0;) {
    lists_[i].others += behind;
    behind += lists_[i].matcher->UpperBound();
  }
  if (lists_.size() > 1) scores_ = std::make_unique<ScoreWindow>();
}

void MaxScore::Run(MatchSink* sink) {
  sink_ = sink;
  while (StartWindow()) {
    if (!RunWindow() || pace_.is_stopped()) return;
    if (end_ == kNoDocument) return;
    begin_ = end_;
    width_ = std::min(width_ * 2, ScoreWindow::kDocuments);
  }
}

// False: no document is left.
bool MaxScore::StartWindow() {
  std::erase_if(lists_, [](const List& list) { return list.matcher->document() == kNoDocument; });
  if (lists_.empty()) return false;
  uint32_t first = kNoDocument;
  for (const List& list : lists_) first = std::min(first, list.matcher->document());
  begin_ = std::max(begin_, first);
  end_ = begin_ > kNoDocument - width_ ? kNoDocument : begin_ + width_;
  essential_ = lists_.size();
  rest_ = 0;
  least_ = sink_->least();
  if (least_ > least_set_) SetLeasts();
  is_bounded_ = least_ > 0;
  if (is_bounded_) BoundWindow();
  return true;
}

// What a list need not match below, whatever the others add.
void MaxScore::SetLeasts() {
  least_set_ = least_;
  for (List& list : lists_) {
    const double least = least_ * (1 - 2 * kBoundSlack) - list.others * (1 + 2 * kBoundSlack);
    if (least > 0) list.matcher->SetLeast(least);
  }
}

void MaxScore::BoundWindow() {
  uint32_t until = kNoDocument - 1;
  for (List& list : lists_) until = std::min(until, BoundList(&list));
  // A single list is taken stretch by stretch.
  if (lists_.size() == 1) end_ = until + 1;
  while (essential_ > 0) {
    List& last = lists_[essential_ - 1];
    const double rest = rest_ + last.bound;
    if (!CannotReach(rest, least_)) return;
    last.rest = rest_ = rest;
    --essential_;
  }
  end_ = until + 1;  // nothing up to there is of interest
}

// Up to where the bound holds, at least to the end of the window if there are several lists.
uint32_t MaxScore::BoundList(List* list) {
  Matcher& matcher = *list->matcher;
  list->bound = 0;
  if (matcher.document() >= end_) return matcher.document() - 1;
  for (uint32_t target = std::max(begin_, matcher.document());;) {
    double bound = 0;
    const uint32_t until = matcher.BoundFrom(target, &bound);
    list->bound = std::max(list->bound, bound);
    if (until >= end_ - 1 || lists_.size() == 1) return until;
    target = until + 1;
  }
}

// False: stop.
bool MaxScore::RunWindow() {
  active_.clear();
  for (size_t i = 0; i < essential_; ++i) {
    Matcher& matcher = *lists_[i].matcher;
    matcher.SeekTo(begin_);
    if (matcher.document() < end_) active_.push_back(&matcher);
  }
  if (!pace_.Spend(essential_ + 1)) return false;
  if (active_.empty()) return true;
  return active_.size() == 1 ? RunOne(active_.front()) : RunMany();
}

bool MaxScore::RunOne(Matcher* matcher) {
  for (;;) {
    matcher->Collect(end_, &batch_);
    if (batch_.count == 0) return true;
    if (!pace_.Spend(batch_.count)) return false;
    if (essential_ == lists_.size()) {
      if (!OfferAll()) return false;
      // From the first bound on, a single list is taken stretch by stretch.
      if (lists_.size() > 1 || is_bounded_ || least_ == 0) continue;
      end_ = matcher->document();
      return true;
    }
    for (uint32_t i = 0; i < batch_.count; ++i) {
      if (!Offer(batch_.documents[i], batch_.scores[i])) return false;
    }
  }
}

// The batch, whose scores are whole. False: stop.
bool MaxScore::OfferAll() {
  const bool go_on = sink_->VisitMany(std::span(batch_.documents).first(batch_.count),
                                      std::span(batch_.scores).first(batch_.count));
  least_ = sink_->least();
  batch_.count = 0;
  return go_on;
}

bool MaxScore::RunMany() {
  scores_->MoveTo(begin_);
  for (Matcher* const matcher : active_) {
    for (;;) {
      matcher->Collect(end_, &batch_);
      if (batch_.count == 0) break;
      if (!pace_.Spend(batch_.count)) return false;
      scores_->Add(batch_);
    }
  }
  if (essential_ < lists_.size()) {
    return scores_->Drain(
        [this](uint32_t document, double score) { return Offer(document, score); });
  }
  batch_.count = 0;
  const bool go_on = scores_->Drain([this](uint32_t document, double score) {
    batch_.documents[batch_.count] = document;
    batch_.scores[batch_.count] = score;
    return ++batch_.count < kPostingsBlock || OfferAll();
  });
  return go_on && OfferAll();
}

// A document with the score of the essential lists. False: stop.
inline bool MaxScore::Offer(uint32_t document, double score) {
  if (CannotReach(score + rest_, least_)) return true;
  for (size_t i = essential_; i < lists_.size(); ++i) {
    List& list = lists_[i];
    if (CannotReach(score + list.rest, least_)) return true;
    list.matcher->SeekTo(document);
    if (list.matcher->document() == document) score += list.matcher->Score();
    if (!pace_.Spend(1)) return false;
  }
  if (score < least_) return true;
  const bool go_on = sink_->Visit(document, score);
  least_ = sink_->least();
  return go_on;
}

}  // namespace libkv
