// Where the matches of a search go, and what it says in return: how good a match must be to be of
// interest still, and whether to go on at all.
#ifndef LIBKV_SRC_TEXT_MATCH_SINK_H_
#define LIBKV_SRC_TEXT_MATCH_SINK_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace libkv {

class MatchSink {
 public:
  virtual ~MatchSink() = default;

  // A match, documents ascending, scores above 0. False: enough, nothing follows.
  virtual bool Visit(uint32_t document, double score) = 0;

  // The same for several, ascending, with their scores, parallel; those below least() do not count.
  // What is in the arrays afterwards is of no meaning.
  virtual bool VisitMany(std::span<uint32_t> documents, std::span<double> scores) {
    for (size_t i = 0; i < documents.size(); ++i) {
      if (scores[i] >= least_ && !Visit(documents[i], scores[i])) return false;
    }
    return true;
  }

  // Asked at least once per some thousand postings that were looked at, also when nothing matches.
  // False: stop.
  virtual bool GoOn() = 0;

  // Matches with a score below it may be left out. 0: all are visited.
  double least() const { return least_; }

 protected:
  void RaiseLeast(double least) { least_ = std::max(least_, least); }

 private:
  double least_ = 0;
};

// Counts the work of all walks of a search, to ask the sink in time.
class Pace {
 public:
  // Null: never stops.
  explicit Pace(MatchSink* sink) : sink_(sink) {}

  // After work on about so many postings. False, from then on always: stop.
  bool Spend(uint64_t postings) {
    if (postings < left_) [[likely]] {
      left_ -= postings;
      return true;
    }
    return Ask();
  }
  bool is_stopped() const { return is_stopped_; }

 private:
  static constexpr uint64_t kStep = 4'096;

  bool Ask() {
    is_stopped_ = is_stopped_ || (sink_ != nullptr && !sink_->GoOn());
    left_ = is_stopped_ ? 0 : kStep;
    return !is_stopped_;
  }

  MatchSink* const sink_;
  uint64_t left_ = kStep;
  bool is_stopped_ = false;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_MATCH_SINK_H_
