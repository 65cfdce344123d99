// Matchers walk over the documents that match one node of a query, in ascending order, and score
// them: one document at a time, nothing is collected but by the caller.
//
// A matcher also says how much its documents can score at most, over all of them and over the
// stretch ahead, so that whoever asks for the best only (max_score.h, Conjunction) can skip the
// others unread.
#ifndef LIBKV_SRC_TEXT_MATCHER_H_
#define LIBKV_SRC_TEXT_MATCHER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "text/document_heap.h"
#include "text/document_set.h"
#include "text/match_sink.h"
#include "text/phrase_counter.h"
#include "text/postings.h"
#include "text/scoring.h"

namespace libkv {

// Some matches and their scores, parallel.
struct MatchBatch {
  uint32_t count = 0;
  std::array<uint32_t, kPostingsBlock> documents;
  std::array<double, kPostingsBlock> scores;
};

// As a PostingsCursor: stands on its first document from the start, never goes back.
//
// The score of a document is the same to the last bit, however it was come by: sums are always
// added up in one order, that of the query.
class Matcher {
 public:
  virtual ~Matcher() = default;
  uint32_t document() const { return document_; }
  virtual void Next() = 0;
  virtual void SeekTo(uint32_t target) = 0;
  virtual double Score() = 0;  // of document()
  virtual uint32_t cost() const = 0;

  // No score is above it, but for rounding (CannotReach).
  virtual double UpperBound() const = 0;

  // The same for the documents from `target` (at least document(); ascending from call to call) to
  // the one that is returned, inclusive. Does not move the matcher. Has one caller only, its owner.
  virtual uint32_t BoundFrom(uint32_t /*target*/, double* bound) {
    *bound = UpperBound();
    return kNoDocument - 1;
  }

  // From here on, matches with a score below `least` may be left out; it may only rise.
  virtual void SetLeast(double /*least*/) {}

  // Takes the next matches below `end`, as many as there is room for, and moves past them. Count
  // 0: there is none.
  virtual void Collect(uint32_t end, MatchBatch* batch);

 protected:
  uint32_t document_ = kNoDocument;
};

class TermMatcher final : public Matcher {
 public:
  TermMatcher(std::unique_ptr<PostingsCursor> cursor, const Scorer& scorer, double weight)
      : cursor_(std::move(cursor)), scorer_(scorer), weight_(weight) {
    document_ = cursor_->document();
  }
  void Next() override {
    cursor_->Next();
    document_ = cursor_->document();
  }
  void SeekTo(uint32_t target) override {
    if (document_ >= target) return;
    cursor_->SeekTo(target);
    document_ = cursor_->document();
  }
  double Score() override { return scorer_.Score(document_, cursor_->frequency(), weight_); }
  uint32_t cost() const override { return cursor_->cost(); }
  double UpperBound() const override { return scorer_.Bound(cursor_->list_bounds()) * weight_; }
  uint32_t BoundFrom(uint32_t target, double* bound) override {
    const uint32_t until = UnitBoundFrom(target, bound);
    *bound *= weight_;
    return until;
  }
  void Collect(uint32_t end, MatchBatch* batch) override;

  // Over the next `n` of cursor()->documents_ahead().
  void SkipAhead(size_t n) {
    if (n == 0) return;
    cursor_->SkipAhead(n);
    document_ = cursor_->document();
  }

  // BoundFrom for a weight of 1. It and BoundFrom are one walk.
  uint32_t UnitBoundFrom(uint32_t target, double* bound);
  double UnitUpperBound() const { return scorer_.Bound(cursor_->list_bounds()); }

  PostingsCursor* cursor() { return cursor_.get(); }

 private:
  const std::unique_ptr<PostingsCursor> cursor_;
  const Scorer& scorer_;
  const double weight_;

  // The stretch that was asked for last.
  bool has_bound_ = false;
  uint32_t bound_until_ = 0;
  double unit_bound_ = 0;
};

// Every document of a cursor, with one score for all.
class AllMatcher final : public Matcher {
 public:
  AllMatcher(std::unique_ptr<PostingsCursor> cursor, double score)
      : cursor_(std::move(cursor)), score_(score) {
    document_ = cursor_->document();
  }
  void Next() override {
    cursor_->Next();
    document_ = cursor_->document();
  }
  void SeekTo(uint32_t target) override {
    if (document_ >= target) return;
    cursor_->SeekTo(target);
    document_ = cursor_->document();
  }
  double Score() override { return score_; }
  uint32_t cost() const override { return cursor_->cost(); }
  double UpperBound() const override { return score_; }

 private:
  const std::unique_ptr<PostingsCursor> cursor_;
  const double score_;
};

// Every document of a set, which must outlive it, with one score for all.
class SetMatcher final : public Matcher {
 public:
  SetMatcher(const DocumentSet& set, double score) : set_(set), score_(score) {
    document_ = set_.From(0);
  }
  void Next() override { document_ = set_.From(document_ + 1); }
  void SeekTo(uint32_t target) override {
    if (document_ < target) document_ = set_.From(target);
  }
  double Score() override { return score_; }
  uint32_t cost() const override { return set_.count(); }
  double UpperBound() const override { return score_; }

 private:
  const DocumentSet& set_;
  const double score_;
};

// At least one of some matchers, the score is the sum of those that match: within another node. At
// the root of a query, MaxScore does the same faster.
class Disjunction final : public Matcher {
 public:
  // At least one; their scores are added in this order.
  explicit Disjunction(std::vector<std::unique_ptr<Matcher>> matchers);

  void Next() override;
  void SeekTo(uint32_t target) override;
  double Score() override;
  uint32_t cost() const override { return heap_.cost(); }
  double UpperBound() const override;
  uint32_t BoundFrom(uint32_t target, double* bound) override;

 private:
  std::vector<Matcher*> matchers_;  // in the order of addition
  DocumentHeap<Matcher> heap_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_MATCHER_H_
