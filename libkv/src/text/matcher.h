// Matchers walk over the documents that match one node of a query, in ascending order, and score
// them: one document at a time, nothing is collected but by the caller.
#ifndef LIBKV_SRC_TEXT_MATCHER_H_
#define LIBKV_SRC_TEXT_MATCHER_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "text/document_heap.h"
#include "text/phrase_counter.h"
#include "text/postings.h"
#include "text/scoring.h"

namespace libkv {

// The scores of a range of documents, for a disjunction to add up: cheaper than merging lists that
// have many documents in common.
class ScoreWindow {
 public:
  static constexpr uint32_t kDocuments = 4096;

  // Empties the window and moves it to [begin, begin + kDocuments).
  void MoveTo(uint32_t begin) { begin_ = begin; }
  uint32_t end() const {
    return begin_ > kNoDocument - kDocuments ? kNoDocument : begin_ + kDocuments;
  }

  void Add(uint32_t document, double score) {
    const uint32_t i = document - begin_;
    const uint64_t bit = uint64_t{1} << (i % 64);
    uint64_t& word = seen_[i / 64];
    scores_[i] = (word & bit) != 0 ? scores_[i] + score : score;
    word |= bit;
  }

  // Calls visit(document, score) in ascending order until it returns false, and empties the
  // window. False: visit did.
  template <typename Visit>
  bool Drain(Visit&& visit) {
    bool go_on = true;
    for (uint32_t w = 0; w < seen_.size(); ++w) {
      for (uint64_t word = std::exchange(seen_[w], 0); word != 0 && go_on; word &= word - 1) {
        const uint32_t i = w * 64 + static_cast<uint32_t>(std::countr_zero(word));
        go_on = visit(begin_ + i, scores_[i]);
      }
    }
    return go_on;
  }

 private:
  uint32_t begin_ = 0;
  std::array<uint64_t, kDocuments / 64> seen_{};
  std::array<double, kDocuments> scores_;
};

// As a PostingsCursor: stands on its first document from the start, never goes back.
class Matcher {
 public:
  virtual ~Matcher() = default;
  uint32_t document() const { return document_; }
  virtual void Next() = 0;
  virtual void SeekTo(uint32_t target) = 0;
  virtual double Score() = 0;  // of document()
  virtual uint32_t cost() const = 0;

  // Adds all matches below window.end() and moves past them.
  virtual void AddTo(ScoreWindow* window) {
    for (const uint32_t end = window->end(); document_ < end; Next()) {
      window->Add(document_, Score());
    }
  }

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
  void AddTo(ScoreWindow* window) override;

  PostingsCursor* cursor() { return cursor_.get(); }

 private:
  const std::unique_ptr<PostingsCursor> cursor_;
  const Scorer& scorer_;
  const double weight_;
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

 private:
  const std::unique_ptr<PostingsCursor> cursor_;
  const double score_;
};

// All of some matchers and phrases, none of others. A phrase is a conjunction of its terms whose
// positions are read last, when all the rest has agreed on a document.
class Conjunction final : public Matcher {
 public:
  explicit Conjunction(const Scorer& scorer) : scorer_(scorer) {}

  // `is_scored` false: must match, but adds nothing to the score (a term of a phrase).
  void Want(std::unique_ptr<Matcher> matcher, bool is_scored);
  void WantPhrase(PhraseCounter phrase, double weight);
  void Exclude(std::unique_ptr<Matcher> matcher);
  // After the last of these; at least one matcher must be wanted.
  void Start();

  void Next() override;
  void SeekTo(uint32_t target) override;
  double Score() override;
  uint32_t cost() const override { return wanted_.front()->cost(); }

  // How often the phrase that was wanted first stands in document().
  uint32_t phrase_frequency() const { return phrases_.front().frequency; }

 private:
  struct Phrase {
    PhraseCounter counter;
    double weight;
    uint32_t frequency = 0;
  };
  void FindMatch();
  bool Agree(uint32_t document);
  bool Passes(uint32_t document);

  const Scorer& scorer_;
  std::vector<std::unique_ptr<Matcher>> wanted_;  // the rarest first
  std::vector<Matcher*> scored_;
  std::vector<Phrase> phrases_;
  std::vector<std::unique_ptr<Matcher>> excluded_;
};

// At least one of some matchers; the score is the sum of those that match.
class Disjunction final : public Matcher {
 public:
  explicit Disjunction(std::vector<std::unique_ptr<Matcher>> matchers);

  void Next() override;
  void SeekTo(uint32_t target) override;
  double Score() override;
  uint32_t cost() const override { return heap_.cost(); }
  void AddTo(ScoreWindow* window) override;

  // Calls visit(document, score) for all matches from here on, window by window.
  template <typename Visit>
  void VisitAll(Visit&& visit) {
    const auto window = std::make_unique<ScoreWindow>();
    while (document_ != kNoDocument) {
      window->MoveTo(document_);
      AddTo(window.get());
      if (!window->Drain(visit)) return;
    }
  }

 private:
  DocumentHeap<Matcher> heap_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_MATCHER_H_
