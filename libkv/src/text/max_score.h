// The best matches of a disjunction: MaxScore (Turtle and Flood, "Query Evaluation: Strategies and
// Optimizations", 1995) with bounds for stretches of each list instead of whole lists (the idea of
// block-max: Ding and Suel, "Faster Top-k Document Retrieval Using Block-Max Indexes", 2011).
//
// The documents are walked through in windows. In each, lists whose bounds together do not reach
// the least score of interest are not essential: a document that has only those cannot be of
// interest. So only the essential lists are read, whole blocks at a time, and their scores added up
// in an array; the others are asked about documents that can still make it. A window in which no
// list is essential is skipped unread.
//
//   lists by weight   rare   ......   frequent
//                     essential | not essential       the split moves to the left as the least
//                     added up  | looked up           score of interest rises
//
// The order of the lists is that of the query's weights, the same in all windows and parts, and
// scores are added in it, essential or not: so they are the same to the last bit as without any
// pruning. Within a window the split is not moved.
//
// Cost       about 3 ns a posting of an essential list; some 100 ns a window and list.
#ifndef LIBKV_SRC_TEXT_MAX_SCORE_H_
#define LIBKV_SRC_TEXT_MAX_SCORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "text/match_sink.h"
#include "text/matcher.h"
#include "text/score_window.h"

namespace libkv {

class MaxScore {
 public:
  // At least one matcher, the one of the greatest weight first.
  MaxScore(std::vector<std::unique_ptr<Matcher>> matchers, Pace* pace);

  // Visits all matches, but for those below sink->least() at their time.
  void Run(MatchSink* sink);

 private:
  struct List {
    std::unique_ptr<Matcher> matcher;
    double others = 0;  // upper bounds of all the other lists
    double bound = 0;   // in this window
    double rest = 0;    // bounds of this and all lists behind it that are not essential
  };

  bool StartWindow();
  void BoundWindow();
  uint32_t BoundList(List* list);
  void SetLeasts();
  bool RunWindow();
  bool RunOne(Matcher* matcher);
  bool RunMany();
  bool Offer(uint32_t document, double score);
  bool OfferAll();

  std::vector<List> lists_;
  Pace& pace_;
  MatchSink* sink_ = nullptr;
  double least_ = 0;      // sink_->least()
  double least_set_ = 0;  // what the lists know of it

  // The window at hand, [begin_, end_).
  uint32_t begin_ = 0, end_ = 0;
  uint32_t width_;
  bool is_bounded_ = false;  // by what its lists can score
  size_t essential_ = 0;     // so many lists, the first ones
  double rest_ = 0;          // bounds of the others
  std::vector<Matcher*> active_;
  MatchBatch batch_;
  std::unique_ptr<ScoreWindow> scores_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_MAX_SCORE_H_
