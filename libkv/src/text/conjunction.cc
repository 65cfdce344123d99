#include "text/conjunction.h"

#include <algorithm>
#include <span>
#include <type_traits>
#include <utility>

#include "base/check.h"

#ifdef __x86_64__
#include <emmintrin.h>
#endif

namespace libkv {
namespace {

#ifdef __x86_64__
// How to turn four numbers round by so many places.
template <int kPlaces>
using Turn = std::integral_constant<int, _MM_SHUFFLE((3 + kPlaces) % 4, (2 + kPlaces) % 4,
                                                     (1 + kPlaces) % 4, kPlaces % 4)>;
#endif

// Skips what four of `a` from `i` on, or of `b` from `j` on, have not in common with four of the
// other, as often as that can be told: those that end first are done.
void SkipFours([[maybe_unused]] std::span<const uint32_t> a,
               [[maybe_unused]] std::span<const uint32_t> b, [[maybe_unused]] size_t* i,
               [[maybe_unused]] size_t* j) {
#ifdef __x86_64__
  while (*i + 4 <= a.size() && *j + 4 <= b.size()) {
    const uint32_t* const x = a.data() + *i;
    const uint32_t* const y = b.data() + *j;
    const __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x));
    const __m128i others = _mm_loadu_si128(reinterpret_cast<const __m128i*>(y));
    const auto equal = [&](auto turn) {
      return _mm_cmpeq_epi32(four, _mm_shuffle_epi32(others, decltype(turn)::value));
    };
    const __m128i first = _mm_or_si128(equal(Turn<0>()), equal(Turn<1>()));
    const __m128i second = _mm_or_si128(equal(Turn<2>()), equal(Turn<3>()));
    if (_mm_movemask_epi8(_mm_or_si128(first, second)) != 0) return;
    const bool ends_first = x[3] < y[3];
    *i += ends_first ? 4 : 0;
    *j += ends_first ? 0 : 4;
  }
#endif
}

// Moves both to the first document in the rest of their blocks that they have in common, or at
// least one of them to its next block; returns over how many postings. Which list is behind is a
// guess that fails often, so it is none.
size_t MergeBlocks(TermMatcher* first, TermMatcher* second) {
  const std::span<const uint32_t> a = first->cursor()->documents_ahead();
  const std::span<const uint32_t> b = second->cursor()->documents_ahead();
  size_t i = 0, j = 0;
  SkipFours(a, b, &i, &j);
  while (i < a.size() && j < b.size() && a[i] != b[j]) {
    const bool is_behind = a[i] < b[j];
    i += is_behind ? 1 : 0;
    j += is_behind ? 0 : 1;
  }
  first->SkipAhead(i);
  second->SkipAhead(j);
  return i + j;
}

}  // namespace

void Conjunction::Want(std::unique_ptr<Matcher> matcher, bool is_scored) {
  auto* const term = dynamic_cast<TermMatcher*>(matcher.get());
  const uint32_t cost = matcher->cost();
  wanted_.push_back(std::make_unique<Wanted>(Wanted{std::move(matcher), term, is_scored, cost}));
  if (is_scored) scored_.push_back(wanted_.back().get());
}

void Conjunction::WantPhrase(PhraseCounter phrase, double weight,
                             std::vector<TermMatcher*> bounding) {
  LIBKV_CHECK(!bounding.empty());
  phrases_.push_back({std::move(phrase), weight, std::move(bounding)});
}

void Conjunction::Exclude(std::unique_ptr<Matcher> matcher) {
  excluded_.push_back(std::move(matcher));
}

void Conjunction::Start() {
  LIBKV_CHECK(!wanted_.empty());
  std::stable_sort(wanted_.begin(), wanted_.end(),
                   [](const auto& a, const auto& b) { return a->cost < b->cost; });
  upper_bound_ = SumOfUpperBounds();
  FindMatch();
}

void Conjunction::Next() {
  wanted_.front()->matcher->Next();
  FindMatch();
}

void Conjunction::SeekTo(uint32_t target) {
  if (document_ >= target) return;
  wanted_.front()->SeekTo(target);
  FindMatch();
}

void Conjunction::FindMatch() {
  Wanted& first = *wanted_.front();
  document_ = kNoDocument;
  for (uint32_t document = first.document(); document != kNoDocument; document = first.document()) {
    if (!pace_.Spend(wanted_.size())) return;
    if (least_ > 0) {
      if (!has_stretch_ || document > stretch_end_) BoundStretch(document);
      if (CannotReach(stretch_bound_, least_)) {
        if (stretch_end_ >= kNoDocument - 1) return;
        first.SeekTo(stretch_end_ + 1);
        continue;
      }
    }
    // A first term that is scored is cheaper to ask for its score than others for the document.
    if (least_ == 0 || !first.is_scored) {
      if (!Meet(least_ > 0 ? stretch_end_ : kNoDocument - 1)) continue;
      document = first.document();
    }
    if (!Agree(document)) continue;
    if (Passes(document)) {
      document_ = document;
      return;
    }
    first.matcher->Next();
  }
}

// The tight part of the leap: the two rarest, if they are terms, up to a document that both have.
// False: there is none up to `end`, or they have tried for long; the first has moved on.
bool Conjunction::Meet(uint32_t end) {
  // Merging costs about a sixteenth of a seek for each posting of the second.
  constexpr uint32_t kMergeRatio = 16;
  constexpr uint32_t kTries = 64;
  if (wanted_.size() < 2 || wanted_[0]->term == nullptr || wanted_[1]->term == nullptr) return true;
  TermMatcher& first = *wanted_[0]->term;
  TermMatcher& second = *wanted_[1]->term;
  const bool merges = wanted_[1]->cost / kMergeRatio < wanted_[0]->cost;
  for (uint32_t i = 0; i < kTries; ++i) {
    const uint32_t document = first.document();
    if (document > end) return false;
    second.SeekTo(document);
    if (second.document() == document) return true;
    if (merges && second.document() != kNoDocument) {
      pace_.Spend(MergeBlocks(&first, &second));
    } else {
      first.SeekTo(second.document());
    }
  }
  pace_.Spend(kTries);
  return false;
}

void Conjunction::BoundStretch(uint32_t document) {
  uint32_t end = kNoDocument - 1;
  double rest = 0;
  for (const Phrase& phrase : phrases_) {
    double least = 0;
    for (size_t i = 0; i < phrase.bounding.size(); ++i) {
      TermMatcher& term = *phrase.bounding[i];
      double bound = 0;
      // A term that is behind the document already has none before it.
      end = std::min(end, term.UnitBoundFrom(std::max(document, term.document()), &bound));
      least = i == 0 ? bound : std::min(least, bound);
    }
    rest += least * phrase.weight;
  }
  for (size_t i = wanted_.size(); i-- > 0;) {
    Wanted& wanted = *wanted_[i];
    wanted.rest = rest;
    if (!wanted.is_scored || wanted.document() == kNoDocument) continue;
    double bound = 0;
    end = std::min(end, wanted.matcher->BoundFrom(std::max(document, wanted.document()), &bound));
    rest += bound;
  }
  has_stretch_ = true;
  stretch_end_ = end;
  stretch_bound_ = rest;
}

// False: the first matcher has moved on.
bool Conjunction::Agree(uint32_t document) {
  has_scores_ = least_ > 0;
  double score = 0;
  for (size_t i = 0; i < wanted_.size(); ++i) {
    Wanted& wanted = *wanted_[i];
    wanted.SeekTo(document);
    if (wanted.document() != document) {
      wanted_.front()->SeekTo(wanted.document());
      return false;
    }
    if (!has_scores_ || !wanted.is_scored) continue;
    wanted.score = wanted.NewScore();
    score += wanted.score;
    if (CannotReach(score + wanted.rest, least_)) {
      wanted_.front()->matcher->Next();
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
  if (phrases_.empty()) return true;
  if (least_ > 0) {
    double score = 0;
    for (const Wanted* const wanted : scored_) score += wanted->score;
    if (!PhrasesCanReach(document, score)) return false;
  }
  for (Phrase& phrase : phrases_) {
    phrase.frequency = phrase.counter.Count();
    if (!pace_.Spend(phrase.counter.positions_read())) return false;
    if (phrase.frequency == 0) return false;
  }
  return true;
}

// Whether they could score what is missing if each stood wherever its rarest term does.
bool Conjunction::PhrasesCanReach(uint32_t document, double score) const {
  for (const Phrase& phrase : phrases_) {
    uint32_t frequency = UINT32_MAX;
    for (TermMatcher* const term : phrase.bounding) {
      frequency = std::min(frequency, term->cursor()->frequency());
    }
    score += scorer_.Score(document, frequency, phrase.weight);
  }
  return !CannotReach(score, least_);
}

double Conjunction::Score() {
  double score = 0;
  for (const Wanted* const wanted : scored_) {
    score += has_scores_ ? wanted->score : wanted->NewScore();
  }
  for (const Phrase& phrase : phrases_) {
    score += scorer_.Score(document_, phrase.frequency, phrase.weight);
  }
  return score;
}

double Conjunction::SumOfUpperBounds() const {
  double sum = 0;
  for (const Wanted* const wanted : scored_) sum += wanted->matcher->UpperBound();
  for (const Phrase& phrase : phrases_) {
    double least = phrase.bounding.front()->UnitUpperBound();
    for (const TermMatcher* const term : phrase.bounding) {
      least = std::min(least, term->UnitUpperBound());
    }
    sum += least * phrase.weight;
  }
  return sum;
}

}  // namespace libkv
