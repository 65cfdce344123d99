#include "text/feedback.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "text/term_counts.h"

namespace libkv {

std::vector<WeightedTerm> RelevanceModel(std::span<const FeedbackText> texts,
                                         const Analyzer& analyzer, size_t terms) {
  std::vector<WeightedTerm> model;
  StringMap<size_t> places;
  for (const FeedbackText& text : texts) {
    std::vector<TermCount> counts = CountTerms(text.text, analyzer);
    double words = 0;
    for (const TermCount& count : counts) words += count.count;
    for (TermCount& count : counts) {
      const auto [it, is_new] = places.try_emplace(count.term, model.size());
      if (is_new) model.push_back({std::move(count.term), std::move(count.word), 0});
      model[it->second].weight += count.count / words * text.score;
    }
  }
  std::sort(model.begin(), model.end(), [](const WeightedTerm& a, const WeightedTerm& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.term < b.term;
  });
  if (model.size() > terms) model.resize(terms);
  double sum = 0;
  for (const WeightedTerm& term : model) sum += term.weight;
  for (WeightedTerm& term : model) term.weight /= sum;
  return model;
}

}  // namespace libkv
