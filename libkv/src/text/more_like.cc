#include "text/more_like.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "text/scoring.h"

namespace libkv {

std::vector<TermCount> TellingCandidates(std::vector<TermCount> counts) {
  std::stable_sort(counts.begin(), counts.end(),
                   [](const TermCount& a, const TermCount& b) { return a.count > b.count; });
  if (counts.size() > kTellingCandidatesMax) counts.resize(kTellingCandidatesMax);
  return counts;
}

std::vector<WeightedTerm> TellingTerms(std::span<const TermCount> candidates,
                                       std::span<const uint64_t> document_frequencies,
                                       uint64_t documents, uint64_t frequency_min, size_t terms) {
  LIBKV_CHECK(candidates.size() == document_frequencies.size());
  std::vector<std::pair<double, size_t>> best;  // tf * idf, number of the candidate
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (document_frequencies[i] < std::max<uint64_t>(frequency_min, 1)) continue;
    const double idf = InverseDocumentFrequency(Ranking::kBm25, documents, document_frequencies[i]);
    best.emplace_back(candidates[i].count * idf, i);
  }
  std::stable_sort(best.begin(), best.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (best.size() > terms) best.resize(terms);
  std::vector<WeightedTerm> telling;
  for (const auto& [worth, i] : best) {
    telling.push_back({candidates[i].term, candidates[i].word, LogFrequency(candidates[i].count)});
  }
  return telling;
}

}  // namespace libkv
