// Relevance feedback without a user: the best hits of a query are taken for relevant, and the terms
// that are frequent in them become part of the query (RM3).
//
//   P(w | R) = sum over the hits D  P(w | D) * P(D | Q)
//              P(w | D) = frequency of w in D / words of D;  P(D | Q) = score of D / sum of scores
//
// (Lavrenko and Croft, "Relevance-Based Language Models", 2001. The query's own words keep a share
// of the weight, without which it drifts away: Abdul-Jaleel et al., "UMass at TREC 2004: Novelty
// and HARD".)
#ifndef LIBKV_SRC_TEXT_FEEDBACK_H_
#define LIBKV_SRC_TEXT_FEEDBACK_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "libkv/analyzer.h"
#include "text/weighted_term.h"

namespace libkv {

struct FeedbackText {
  std::string text;
  double score = 0;  // above 0
};

// The at most `terms` most probable terms of `texts`, most probable first, then in the order of
// terms. Their weights add up to 1. Of each text at most kCountedTextBytesMax count.
std::vector<WeightedTerm> RelevanceModel(std::span<const FeedbackText> texts,
                                         const Analyzer& analyzer, size_t terms);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_FEEDBACK_H_
