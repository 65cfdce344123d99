// Runs a plan: makes matchers of its nodes and walks over what they match.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "text/conjunction.h"
#include "text/matcher.h"
#include "text/max_score.h"
#include "text/search_plan.h"
#include "text/union_cursor.h"

namespace libkv {

// One walk over one part.
class PlanRun {
 public:
  PlanRun(const SearchPlan& plan, const PostingsSource& source,
          const CollectionStatistics& statistics, const Scoring& scoring,
          std::span<const DocumentSet> passing, MatchSink* sink)
      : plan_(plan),
        source_(source),
        passing_(passing),
        scorer_(scoring, statistics, source),
        pace_(sink) {
    SetWeights(statistics, scoring);
  }

  void Visit(MatchSink* sink) {
    std::vector<std::unique_ptr<Matcher>> matchers;
    if (plan_.root_.kind == Node::Kind::kOr) {
      matchers = MakeAlternatives(plan_.root_);
    } else if (std::unique_ptr<Matcher> root = MakeMatcher(plan_.root_); root != nullptr) {
      matchers.push_back(std::move(root));
    }
    if (matchers.empty()) return;
    if (matchers.size() == 1 && dynamic_cast<Conjunction*>(matchers[0].get()) != nullptr) {
      VisitEach(static_cast<Conjunction*>(matchers[0].get()), sink);
    } else {
      MaxScore(std::move(matchers), &pace_).Run(sink);
    }
  }

  std::vector<ScorePart> Explain(uint32_t document) {
    std::vector<ScorePart> parts;
    ExplainNode(plan_.root_, document, &parts);
    return parts;
  }

 private:
  using Node = SearchPlan::Node;
  using Leaf = SearchPlan::Leaf;

  // It skips by itself what is below the least score, knowing it all the time.
  static void VisitEach(Conjunction* conjunction, MatchSink* sink) {
    while (conjunction->document() != kNoDocument) {
      const double score = conjunction->Score();
      if (score >= sink->least() && !sink->Visit(conjunction->document(), score)) return;
      conjunction->SetLeast(sink->least());
      conjunction->Next();
    }
  }

  static uint64_t DocumentFrequency(const CollectionStatistics& statistics,
                                    const SearchPlan::Slot& slot) {
    uint64_t sum = 0;
    for (const uint32_t term : slot.terms) {
      if (term < statistics.document_frequencies.size()) {
        sum += statistics.document_frequencies[term];
      }
    }
    return sum;
  }

  // The query's side of the score of every leaf, asked for once.
  void SetWeights(const CollectionStatistics& statistics, const Scoring& scoring) {
    const Ranking ranking = scoring.ranking;
    double squares = 0;
    for (const Leaf& leaf : plan_.leaves_) {
      double idf = 0;
      for (const SearchPlan::Place& place : leaf.pattern.places) {
        idf += InverseDocumentFrequency(ranking, statistics.documents,
                                        DocumentFrequency(statistics, plan_.slots_[place.slot]));
      }
      idfs_.push_back(idf);
      if (ranking == Ranking::kBm25) {
        weights_.push_back(idf * (scoring.k1 + 1));
      } else {
        const double weight = leaf.count == 0 ? 0 : LogFrequency(leaf.count) * idf;
        squares += weight * weight;
        weights_.push_back(leaf.count == 0 ? 0 : weight / leaf.count);
      }
    }
    if (ranking == Ranking::kBm25 || squares == 0) return;
    for (double& weight : weights_) weight /= std::sqrt(squares);
  }

  // Null: nothing in this part matches.
  std::unique_ptr<Matcher> MakeMatcher(const Node& node) {
    switch (node.kind) {
      case Node::Kind::kLeaf:
        if (plan_.leaves_[node.leaf].pattern.IsWord()) return MakeWord(node);
        return MakePhrase(node);
      case Node::Kind::kAll: {
        std::unique_ptr<PostingsCursor> cursor = source_.OpenAll();
        if (cursor->document() == kNoDocument) return nullptr;
        return std::make_unique<AllMatcher>(std::move(cursor), node.weight);
      }
      case Node::Kind::kFilter:
        if (node.leaf >= passing_.size() || passing_[node.leaf].count() == 0) return nullptr;
        return std::make_unique<SetMatcher>(passing_[node.leaf], node.weight);
      case Node::Kind::kAnd:
        return MakeConjunction(node);
      case Node::Kind::kOr:
        return MakeDisjunction(node);
      default:
        return nullptr;
    }
  }

  std::unique_ptr<TermMatcher> MakeWord(const Node& node) {
    const Leaf& leaf = plan_.leaves_[node.leaf];
    return OpenSlot(leaf.pattern.places[0].slot, weights_[node.leaf] * node.weight,
                    /*has_positions=*/false);
  }

  std::unique_ptr<Conjunction> MakePhrase(const Node& node) {
    auto phrase = std::make_unique<Conjunction>(scorer_, &pace_);
    if (!AddPhrase(node, phrase.get())) return nullptr;
    phrase->Start();
    return phrase;
  }

  std::unique_ptr<TermMatcher> OpenSlot(uint32_t slot, double weight, bool has_positions) {
    std::vector<std::unique_ptr<PostingsCursor>> cursors;
    for (const uint32_t term : plan_.slots_[slot].terms) {
      std::unique_ptr<PostingsCursor> cursor = source_.Open(plan_.terms_[term]);
      if (cursor == nullptr || cursor->document() == kNoDocument) continue;
      cursors.push_back(std::move(cursor));
    }
    if (cursors.empty()) return nullptr;
    std::unique_ptr<PostingsCursor> cursor;
    if (cursors.size() == 1) {
      cursor = std::move(cursors[0]);
    } else {
      cursor = std::make_unique<UnionCursor>(std::move(cursors), has_positions);
    }
    return std::make_unique<TermMatcher>(std::move(cursor), scorer_, weight);
  }

  // Whether a phrase stands nowhere more often than what is at its place `i`: places are counted by
  // the first one, and without slop each of them takes another one of all the rest.
  static bool BoundsPhrase(const SearchPlan::Pattern& pattern, size_t i) {
    const bool is_right = pattern.near > 0 && i >= pattern.right;
    const size_t first = is_right ? pattern.right : 0;
    return i == first || (is_right ? pattern.right_slop : pattern.slop) == 0;
  }

  // False: a word of the phrase has no document here.
  bool AddPhrase(const Node& node, Conjunction* conjunction) {
    const SearchPlan::Pattern& pattern = plan_.leaves_[node.leaf].pattern;
    PhraseCounter counter(pattern.slop);
    std::map<uint32_t, TermMatcher*> terms;  // by slot
    std::vector<TermMatcher*> bounding;
    for (size_t i = 0; i < pattern.places.size(); ++i) {
      const SearchPlan::Place& place = pattern.places[i];
      TermMatcher*& term = terms[place.slot];
      if (term == nullptr) {
        std::unique_ptr<TermMatcher> matcher = OpenSlot(place.slot, 0, /*has_positions=*/true);
        if (matcher == nullptr) return false;
        term = matcher.get();
        conjunction->Want(std::move(matcher), /*is_scored=*/false);
      }
      if (pattern.near > 0 && i == pattern.right) {
        counter.StartRight(pattern.right_slop, pattern.near);
      }
      counter.AddTerm(term->cursor(), place.offset);
      if (BoundsPhrase(pattern, i) &&
          std::find(bounding.begin(), bounding.end(), term) == bounding.end()) {
        bounding.push_back(term);
      }
    }
    conjunction->WantPhrase(std::move(counter), weights_[node.leaf] * node.weight,
                            std::move(bounding));
    return true;
  }

  std::unique_ptr<Matcher> MakeConjunction(const Node& node) {
    auto conjunction = std::make_unique<Conjunction>(scorer_, &pace_);
    for (const Node& child : node.children) {
      if (child.kind == Node::Kind::kLeaf && !plan_.leaves_[child.leaf].pattern.IsWord()) {
        if (!AddPhrase(child, conjunction.get())) return nullptr;
        continue;
      }
      std::unique_ptr<Matcher> matcher = MakeMatcher(child);
      if (matcher == nullptr) return nullptr;
      const bool is_scored = child.kind != Node::Kind::kFilter || child.weight > 0;
      conjunction->Want(std::move(matcher), is_scored);
    }
    for (const Node& child : node.excluded) {
      std::unique_ptr<Matcher> matcher = MakeMatcher(child);
      if (matcher != nullptr) conjunction->Exclude(std::move(matcher));
    }
    conjunction->Start();
    return conjunction;
  }

  std::unique_ptr<Matcher> MakeDisjunction(const Node& node) {
    std::vector<std::unique_ptr<Matcher>> matchers = MakeAlternatives(node);
    if (matchers.empty()) return nullptr;
    if (matchers.size() == 1) return std::move(matchers[0]);
    return std::make_unique<Disjunction>(std::move(matchers));
  }

  // The children of an OR that match anything here. The order is that in which scores are added,
  // the same in every part: the greatest weight first, as MaxScore wants it.
  std::vector<std::unique_ptr<Matcher>> MakeAlternatives(const Node& node) {
    std::vector<double> weights;
    for (const Node& child : node.children) weights.push_back(WeightOf(child));
    std::vector<size_t> order(weights.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&weights](size_t a, size_t b) { return weights[a] > weights[b]; });
    std::vector<std::unique_ptr<Matcher>> matchers;
    for (const size_t i : order) {
      std::unique_ptr<Matcher> matcher = MakeMatcher(node.children[i]);
      if (matcher != nullptr) matchers.push_back(std::move(matcher));
    }
    return matchers;
  }

  double WeightOf(const Node& node) const {
    if (node.kind == Node::Kind::kLeaf) return weights_[node.leaf] * node.weight;
    if (node.kind == Node::Kind::kFilter) return node.weight;
    double sum = node.weight;
    for (const Node& child : node.children) sum += WeightOf(child);
    return sum;
  }

  // -- Explanations: every leaf has a matcher of its own, which goes from document to document.

  struct LeafMatcher {
    std::unique_ptr<TermMatcher> word;
    std::unique_ptr<Conjunction> phrase;
    std::unique_ptr<Matcher> all;
  };

  LeafMatcher& MatcherOf(const Node& node) {
    const auto [it, is_new] = matchers_.try_emplace(&node);
    LeafMatcher& matcher = it->second;
    if (is_new) {
      if (node.kind == Node::Kind::kAll || node.kind == Node::Kind::kFilter) {
        matcher.all = MakeMatcher(node);
      } else if (plan_.leaves_[node.leaf].pattern.IsWord()) {
        matcher.word = MakeWord(node);
      } else {
        matcher.phrase = MakePhrase(node);
      }
    }
    return matcher;
  }

  // Whether `node` matches `document`; if so, appends its parts.
  bool ExplainNode(const Node& node, uint32_t document, std::vector<ScorePart>* parts) {
    const size_t before = parts->size();
    bool matches = false;
    if (node.kind == Node::Kind::kAnd) {
      std::vector<ScorePart> unused;
      matches = std::all_of(node.children.begin(), node.children.end(),
                            [&](const Node& child) { return ExplainNode(child, document, parts); });
      matches = matches &&
                std::none_of(node.excluded.begin(), node.excluded.end(), [&](const Node& child) {
                  return ExplainNode(child, document, &unused);
                });
    } else if (node.kind == Node::Kind::kOr) {
      for (const Node& child : node.children) {
        matches = ExplainNode(child, document, parts) || matches;
      }
    } else if (node.kind != Node::Kind::kNothing) {
      matches = ExplainLeaf(node, document, parts);
    }
    if (!matches) parts->resize(before);
    return matches;
  }

  static bool IsOn(Matcher* matcher, uint32_t document) {
    if (matcher == nullptr) return false;
    matcher->SeekTo(document);
    return matcher->document() == document;
  }

  bool ExplainLeaf(const Node& node, uint32_t document, std::vector<ScorePart>* parts) {
    LeafMatcher& matcher = MatcherOf(node);
    if (node.kind == Node::Kind::kAll || node.kind == Node::Kind::kFilter) {
      if (!IsOn(matcher.all.get(), document)) return false;
      const bool is_all = node.kind == Node::Kind::kAll;
      if (node.weight > 0) {
        parts->push_back({is_all ? "*" : plan_.filters_[node.leaf].text, 1, 0, node.weight});
      }
      return true;
    }
    const std::string& text = plan_.leaves_[node.leaf].text;
    const double idf = idfs_[node.leaf];
    if (IsOn(matcher.word.get(), document)) {
      parts->push_back({text, matcher.word->cursor()->frequency(), idf, matcher.word->Score()});
      return true;
    }
    if (!IsOn(matcher.phrase.get(), document)) return false;
    parts->push_back({text, matcher.phrase->phrase_frequency(), idf, matcher.phrase->Score()});
    return true;
  }

  const SearchPlan& plan_;
  const PostingsSource& source_;
  const std::span<const DocumentSet> passing_;
  const Scorer scorer_;
  Pace pace_;
  std::vector<double> weights_, idfs_;  // parallel to the plan's leaves
  std::map<const Node*, LeafMatcher> matchers_;
};

void SearchPlan::Run(const PostingsSource& source, const CollectionStatistics& statistics,
                     const Scoring& scoring, MatchSink* sink,
                     std::span<const DocumentSet> passing) const {
  PlanRun(*this, source, statistics, scoring, passing, sink).Visit(sink);
}

std::vector<std::vector<ScorePart>> SearchPlan::Explain(
    const PostingsSource& source, const CollectionStatistics& statistics, const Scoring& scoring,
    std::span<const uint32_t> documents, std::span<const DocumentSet> passing) const {
  PlanRun run(*this, source, statistics, scoring, passing, /*sink=*/nullptr);
  std::vector<std::vector<ScorePart>> explanations;
  for (const uint32_t document : documents) explanations.push_back(run.Explain(document));
  return explanations;
}

}  // namespace libkv
