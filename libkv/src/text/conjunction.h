// All of some matchers and phrases, none of others.
//
// Leap-frog: the rarest proposes a document, whoever does not have it names the next one it has.
// When only matches above some score are of interest, whole stretches whose bounds do not reach it
// are skipped (block-max WAND's idea: Ding and Suel, "Faster Top-k Document Retrieval Using
// Block-Max Indexes", 2011), and a document is given up as soon as its score so far and the bounds
// of the rest do not.
//
// A phrase is a conjunction of its terms whose positions are read last, when all the rest has
// agreed on a document and the rarest of its terms is there often enough.
#ifndef LIBKV_SRC_TEXT_CONJUNCTION_H_
#define LIBKV_SRC_TEXT_CONJUNCTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "text/match_sink.h"
#include "text/matcher.h"
#include "text/phrase_counter.h"
#include "text/scoring.h"

namespace libkv {

class Conjunction final : public Matcher {
 public:
  Conjunction(const Scorer& scorer, Pace* pace) : scorer_(scorer), pace_(*pace) {}

  // `is_scored` false: must match, but adds nothing to the score (a term of a phrase).
  void Want(std::unique_ptr<Matcher> matcher, bool is_scored);
  // `bounding` are wanted too; the phrase is there no more often than any of them.
  void WantPhrase(PhraseCounter phrase, double weight, std::vector<TermMatcher*> bounding);
  void Exclude(std::unique_ptr<Matcher> matcher);
  // After the last of these; at least one matcher must be wanted.
  void Start();

  // The scores of what is wanted are added in the order in which that was said, phrases last.
  void Next() override;
  void SeekTo(uint32_t target) override;
  double Score() override;
  uint32_t cost() const override { return wanted_.front()->matcher->cost(); }
  double UpperBound() const override { return upper_bound_; }
  void SetLeast(double least) override { least_ = least; }

  // How often the phrase that was wanted first stands in document().
  uint32_t phrase_frequency() const { return phrases_.front().frequency; }

 private:
  struct Wanted {
    std::unique_ptr<Matcher> matcher;
    TermMatcher* term;  // the same, if it is one: spares virtual calls
    bool is_scored;
    uint32_t cost;
    double score = 0;  // in the document at hand
    double rest = 0;   // bound of all behind it, phrases included, in the stretch at hand

    uint32_t document() const { return matcher->document(); }
    void SeekTo(uint32_t target) {
      if (term != nullptr) {
        term->SeekTo(target);
      } else {
        matcher->SeekTo(target);
      }
    }
    double NewScore() const { return term != nullptr ? term->Score() : matcher->Score(); }
  };
  struct Phrase {
    PhraseCounter counter;
    double weight;
    std::vector<TermMatcher*> bounding;
    uint32_t frequency = 0;
  };
  void FindMatch();
  bool Meet(uint32_t end);
  bool Agree(uint32_t document);
  bool Passes(uint32_t document);
  bool PhrasesCanReach(uint32_t document, double score) const;
  double SumOfUpperBounds() const;
  void BoundStretch(uint32_t document);

  const Scorer& scorer_;
  Pace& pace_;
  std::vector<std::unique_ptr<Wanted>> wanted_;  // the rarest first
  std::vector<Wanted*> scored_;                  // in the order of addition
  std::vector<Phrase> phrases_;
  std::vector<std::unique_ptr<Matcher>> excluded_;

  double upper_bound_ = 0;
  double least_ = 0;
  // The stretch at hand: no document up to stretch_end_ scores more. Not used without least_.
  bool has_stretch_ = false;
  uint32_t stretch_end_ = 0;
  double stretch_bound_ = 0;
  bool has_scores_ = false;  // Wanted::score are those of document_
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_CONJUNCTION_H_
