#include "text/matcher.h"

#include <algorithm>

#include "base/check.h"

namespace libkv {

void TermMatcher::AddTo(ScoreWindow* window) {
  PostingsCursor& cursor = *cursor_;
  uint32_t document = document_;
  for (const uint32_t end = window->end(); document < end; document = cursor.document()) {
    window->Add(document, scorer_.Score(document, cursor.frequency(), weight_));
    cursor.Next();
  }
  document_ = document;
}

void Conjunction::Want(std::unique_ptr<Matcher> matcher, bool is_scored) {
  if (is_scored) scored_.push_back(matcher.get());
  wanted_.push_back(std::move(matcher));
}

void Conjunction::WantPhrase(PhraseCounter phrase, double weight) {
  phrases_.push_back({std::move(phrase), weight});
}

void Conjunction::Exclude(std::unique_ptr<Matcher> matcher) {
  excluded_.push_back(std::move(matcher));
}

void Conjunction::Start() {
  LIBKV_CHECK(!wanted_.empty());
  std::stable_sort(wanted_.begin(), wanted_.end(),
                   [](const auto& a, const auto& b) { return a->cost() < b->cost(); });
  FindMatch();
}

void Conjunction::Next() {
  wanted_.front()->Next();
  FindMatch();
}

void Conjunction::SeekTo(uint32_t target) {
  if (document_ >= target) return;
  wanted_.front()->SeekTo(target);
  FindMatch();
}

// Leap-frog: the rarest proposes; whoever does not have the document names the next one it has.
void Conjunction::FindMatch() {
  Matcher& first = *wanted_.front();
  for (uint32_t document = first.document(); document != kNoDocument; document = first.document()) {
    if (!Agree(document)) continue;
    if (Passes(document)) {
      document_ = document;
      return;
    }
    first.Next();
  }
  document_ = kNoDocument;
}

// False: the first matcher has moved on.
bool Conjunction::Agree(uint32_t document) {
  for (size_t i = 1; i < wanted_.size(); ++i) {
    wanted_[i]->SeekTo(document);
    if (wanted_[i]->document() != document) {
      wanted_.front()->SeekTo(wanted_[i]->document());
      return false;
    }
  }
  return true;
}

bool Conjunction::Passes(uint32_t document) {
  for (const auto& matcher : excluded_) {
    matcher->SeekTo(document);
    if (matcher->document() == document) return false;
  }
  for (Phrase& phrase : phrases_) {
    phrase.frequency = phrase.counter.Count();
    if (phrase.frequency == 0) return false;
  }
  return true;
}

double Conjunction::Score() {
  double score = 0;
  for (Matcher* matcher : scored_) score += matcher->Score();
  for (const Phrase& phrase : phrases_) {
    score += scorer_.Score(document_, phrase.frequency, phrase.weight);
  }
  return score;
}

Disjunction::Disjunction(std::vector<std::unique_ptr<Matcher>> matchers)
    : heap_(std::move(matchers)) {
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
  heap_.ForEachCurrent([&score](Matcher& matcher) { score += matcher.Score(); });
  return score;
}

void Disjunction::AddTo(ScoreWindow* window) {
  heap_.ForEach([window](Matcher& matcher) { matcher.AddTo(window); });
  document_ = heap_.document();
}

}  // namespace libkv
