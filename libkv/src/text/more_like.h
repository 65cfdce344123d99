// More like this: the terms of a text that tell it best from all others, as a query.
//
// Asking for all words of a text would find everything and cost most for the words that say least.
// A few are enough: those with the greatest tf * idf, as in Lucene's MoreLikeThis (and Salton and
// Buckley, "Term-weighting approaches in automatic text retrieval", 1988). Ranking weighs a term by
// its idf anyway, so its weight in the query is the other factor, damped: 1 + ln tf. (Values judged
// relevant for one query of Cranfield and CACM find each other better so than with equal weights,
// with tf or with tf * idf.)
#ifndef LIBKV_SRC_TEXT_MORE_LIKE_H_
#define LIBKV_SRC_TEXT_MORE_LIKE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/term_counts.h"
#include "text/weighted_term.h"

namespace libkv {

// Terms of one text whose document frequencies are looked up.
inline constexpr size_t kTellingCandidatesMax = 1'000;

// The most frequent ones of `counts`, at most kTellingCandidatesMax, most frequent first; of equal
// ones the first.
std::vector<TermCount> TellingCandidates(std::vector<TermCount> counts);

// The at most `terms` best of `candidates`, best first, of which candidate i stands in
// `document_frequencies[i]` of `documents` documents. Those in fewer than `frequency_min` are left
// out: a term that only the text itself has finds nothing else.
std::vector<WeightedTerm> TellingTerms(std::span<const TermCount> candidates,
                                       std::span<const uint64_t> document_frequencies,
                                       uint64_t documents, uint64_t frequency_min, size_t terms);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_MORE_LIKE_H_
