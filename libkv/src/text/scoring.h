// The two rankings as formulas. N documents, df of them with the term, tf times in this one.
//
// BM25     score = sum over terms  idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / average))
//          idf   = ln(1 + (N - df + 0.5) / (df + 0.5))
//          (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009;
//          the 1 within the logarithm keeps the idf of frequent terms above zero.)
// TF-IDF   score = sum over terms  (1 + ln tf) / |document|  *  (1 + ln qtf) * idf / |query|
//          idf   = ln(N / df); qtf = how often the query has the term; |x| = length of the vector
//          of all its terms' weights (lnc.ltc: Manning, Raghavan and Schuetze, "Introduction to
//          Information Retrieval", 2008, 6.4.3). The document's side knows no idf, so its length
//          can be stored.
//
// A phrase is one term: its tf is how often it occurs, its idf the sum of its terms'.
#ifndef LIBKV_SRC_TEXT_SCORING_H_
#define LIBKV_SRC_TEXT_SCORING_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "libkv/search.h"
#include "text/length_norm.h"
#include "text/postings.h"

namespace libkv {

// How to rank, and the constants of BM25: 0 <= k1 <= kBm25K1Max, 0 <= b <= 1.
struct Scoring {
  Ranking ranking = Ranking::kBm25;
  double k1 = 1.5, b = 0.75;
};

// A term of every document still counts a little, and a score is above zero.
inline constexpr double kIdfMin = 1e-6;

// Of everything a search looks at, all parts of the index together.
struct CollectionStatistics {
  uint64_t documents = 0;     // live
  uint64_t total_length = 0;  // sum of their lengths in terms
  // For each of SearchPlan::terms(), the documents that have it. May count dead documents too.
  std::vector<uint64_t> document_frequencies;
};

double InverseDocumentFrequency(Ranking ranking, uint64_t documents, uint64_t document_frequency);

// 1 + ln n; n >= 1.
double LogFrequency(uint32_t n);

// |document| of TF-IDF: sqrt(sum (1 + ln tf)^2) over the terms of a document. 0 without terms.
double CosineNorm(std::span<const uint32_t> frequencies);

// A bound may be too low by what its sums were rounded; no score that could reach `least` is lost.
inline constexpr double kBoundSlack = 1e-9;
inline bool CannotReach(double bound, double least) { return bound * (1 + kBoundSlack) < least; }

// Scores single terms; one per search and part.
class Scorer {
 public:
  Scorer(const Scoring& scoring, const CollectionStatistics& statistics,
         const PostingsSource& source);

  // `weight` is the query's side: of BM25 idf * (k1 + 1), of TF-IDF the normalised query weight.
  double Score(uint32_t document, uint32_t frequency, double weight) const {
    if (is_bm25_) {
      const uint8_t norm = norms_ != nullptr ? norms_[document] : source_.LengthNorm(document);
      return OfBm25(frequency, length_factors_[norm], weight);
    }
    return OfTfIdf(frequency, source_.CosineNorm(document), weight);
  }

  // The same of many, at most kPostingsBlock: bit by bit what Score says, at a fraction of the
  // cost.
  void ScoreAll(std::span<const uint32_t> documents, std::span<const uint32_t> frequencies,
                double weight, double* scores) const;

  // No score within `bounds` is above it, for the weight 1; it grows with the weight.
  double Bound(const ScoreBounds& bounds) const;

 private:
  static double OfBm25(uint32_t frequency, double length_factor, double weight) {
    const double tf = frequency;
    return weight * tf / (tf + length_factor);
  }
  static double OfTfIdf(uint32_t frequency, float norm, double weight) {
    return weight * LogFrequency(frequency) / static_cast<double>(norm);
  }

  void LengthFactors(std::span<const uint32_t> documents, double* factors) const;

  const bool is_bm25_;
  const PostingsSource& source_;
  const uint8_t* const norms_;              // source_.length_norms()
  std::array<double, 256> length_factors_;  // by length norm: k1 * (1 - b + b * length / average)
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_SCORING_H_
