#include "text/search_plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "text/matcher.h"

namespace libkv {

class PlanBuilder {
 public:
  explicit PlanBuilder(const Analyzer& analyzer) : analyzer_(analyzer) {}

  SearchPlan Build(const QueryNode& query) && {
    plan_.root_ = MakeNode(query, /*wanted=*/true);
    if (too_many_terms_) {
      plan_.warnings_.push_back("The query has more than 1,024 terms; the rest was left out.");
    }
    if (plan_.MatchesNothing() && query.kind != QueryNode::Kind::kNothing) {
      plan_.warnings_.push_back(
          "The words of the query are too common or have no letters; it matches nothing.");
    }
    return std::move(plan_);
  }

 private:
  using Kind = QueryNode::Kind;
  using Node = SearchPlan::Node;
  using Place = SearchPlan::Place;

  Node MakeNode(const QueryNode& query, bool wanted) {
    switch (query.kind) {
      case Kind::kWord:
      case Kind::kPhrase:
        return MakeLeaf(query.text, wanted);
      case Kind::kAnd:
        return MakeAnd(query, wanted);
      case Kind::kOr:
        return MakeOr(query, wanted);
      default:
        return {};
    }
  }

  Node MakeLeaf(const std::string& text, bool wanted) {
    std::vector<Place> places;
    uint32_t first = 0;
    analyzer_.Analyze(text, [&](const Token& token) {
      if (places_ == kQueryTermsMax) {
        too_many_terms_ = true;
        return;
      }
      ++places_;
      if (places.empty()) first = token.position;
      places.push_back({TermNumber(token.term), token.position - first});
    });
    if (places.empty()) return {};
    const uint32_t leaf = LeafNumber(places);
    if (wanted) ++plan_.leaves_[leaf].count;
    return {Node::Kind::kLeaf, leaf, 1, {}, {}};
  }

  uint32_t TermNumber(std::string_view term) {
    const auto [it, is_new] =
        terms_.try_emplace(std::string(term), static_cast<uint32_t>(plan_.terms_.size()));
    if (is_new) plan_.terms_.emplace_back(term);
    return it->second;
  }

  uint32_t LeafNumber(const std::vector<Place>& places) {
    const auto [it, is_new] =
        leaves_.try_emplace(places, static_cast<uint32_t>(plan_.leaves_.size()));
    if (is_new) plan_.leaves_.push_back({places, 0});
    return it->second;
  }

  // Adds `node` to the children of one AND or one OR; equal leaves become one that counts more.
  static void Add(Node node, std::map<uint32_t, size_t>* leaves, std::vector<Node>* children) {
    if (node.kind == Node::Kind::kLeaf) {
      const auto [it, is_new] = leaves->try_emplace(node.leaf, children->size());
      if (!is_new) {
        (*children)[it->second].count += node.count;
        return;
      }
    }
    children->push_back(std::move(node));
  }

  Node MakeAnd(const QueryNode& query, bool wanted) {
    Node node{Node::Kind::kAnd, 0, 0, {}, {}};
    std::map<uint32_t, size_t> leaves;
    for (const QueryNode& part : query.children) {
      if (part.kind == Kind::kNot) {
        Node unwanted = part.children.empty() ? Node() : MakeNode(part.children[0], false);
        if (unwanted.kind != Node::Kind::kNothing) node.excluded.push_back(std::move(unwanted));
        continue;
      }
      Node child = MakeNode(part, wanted);
      if (child.kind == Node::Kind::kAnd) {
        for (Node& grandchild : child.children) Add(std::move(grandchild), &leaves, &node.children);
        for (Node& unwanted : child.excluded) node.excluded.push_back(std::move(unwanted));
      } else if (child.kind != Node::Kind::kNothing) {
        Add(std::move(child), &leaves, &node.children);
      }
    }
    if (node.children.empty()) return {};
    if (node.children.size() == 1 && node.excluded.empty())
      return Node(std::move(node.children[0]));
    return node;
  }

  Node MakeOr(const QueryNode& query, bool wanted) {
    Node node{Node::Kind::kOr, 0, 0, {}, {}};
    std::map<uint32_t, size_t> leaves;
    for (const QueryNode& part : query.children) {
      Node child = MakeNode(part, wanted);
      if (child.kind == Node::Kind::kOr) {
        for (Node& grandchild : child.children) Add(std::move(grandchild), &leaves, &node.children);
      } else if (child.kind != Node::Kind::kNothing) {
        Add(std::move(child), &leaves, &node.children);
      }
    }
    if (node.children.empty()) return {};
    if (node.children.size() == 1) return Node(std::move(node.children[0]));
    return node;
  }

  const Analyzer& analyzer_;
  SearchPlan plan_;
  StringMap<uint32_t> terms_;
  std::map<std::vector<Place>, uint32_t> leaves_;
  size_t places_ = 0;
  bool too_many_terms_ = false;
};

// One walk over one part.
class PlanRun {
 public:
  PlanRun(const SearchPlan& plan, const PostingsSource& source,
          const CollectionStatistics& statistics, Ranking ranking)
      : plan_(plan), source_(source), scorer_(ranking, statistics, source) {
    SetWeights(statistics, ranking);
  }

  void Visit(absl::FunctionRef<bool(uint32_t document, double score)> visit) {
    const std::unique_ptr<Matcher> root = MakeMatcher(plan_.root_);
    if (root == nullptr) return;
    // The concrete types spare a virtual call for every document and step.
    if (auto* term = dynamic_cast<TermMatcher*>(root.get())) {
      VisitEach(*term, visit);
    } else if (auto* disjunction = dynamic_cast<Disjunction*>(root.get())) {
      disjunction->VisitAll(visit);
    } else {
      VisitEach(*root, visit);
    }
  }

 private:
  using Node = SearchPlan::Node;
  using Leaf = SearchPlan::Leaf;

  template <typename M>
  static void VisitEach(M& matcher,
                        absl::FunctionRef<bool(uint32_t document, double score)> visit) {
    while (matcher.document() != kNoDocument && visit(matcher.document(), matcher.Score())) {
      matcher.Next();
    }
  }

  // The query's side of the score of every leaf, asked for once.
  void SetWeights(const CollectionStatistics& statistics, Ranking ranking) {
    double squares = 0;
    for (const Leaf& leaf : plan_.leaves_) {
      double idf = 0;
      for (const SearchPlan::Place& place : leaf.places) {
        const uint64_t df = place.term < statistics.document_frequencies.size()
                                ? statistics.document_frequencies[place.term]
                                : 0;
        idf += InverseDocumentFrequency(ranking, statistics.documents, df);
      }
      if (ranking == Ranking::kBm25) {
        weights_.push_back(idf * (kBm25K1 + 1));
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
      case Node::Kind::kLeaf: {
        if (plan_.leaves_[node.leaf].places.size() == 1) return MakeTerm(node);
        auto phrase = std::make_unique<Conjunction>(scorer_);
        if (!AddPhrase(node, phrase.get())) return nullptr;
        phrase->Start();
        return phrase;
      }
      case Node::Kind::kAnd:
        return MakeConjunction(node);
      case Node::Kind::kOr:
        return MakeDisjunction(node);
      default:
        return nullptr;
    }
  }

  std::unique_ptr<TermMatcher> MakeTerm(const Node& node) {
    const Leaf& leaf = plan_.leaves_[node.leaf];
    return OpenTerm(leaf.places[0].term, weights_[node.leaf] * node.count);
  }

  std::unique_ptr<TermMatcher> OpenTerm(uint32_t term, double weight) {
    std::unique_ptr<PostingsCursor> cursor = source_.Open(plan_.terms_[term]);
    if (cursor == nullptr || cursor->document() == kNoDocument) return nullptr;
    return std::make_unique<TermMatcher>(std::move(cursor), scorer_, weight);
  }

  // False: a term of the phrase has no document here.
  bool AddPhrase(const Node& node, Conjunction* conjunction) {
    PhraseCounter counter;
    std::map<uint32_t, PostingsCursor*> cursors;
    for (const SearchPlan::Place& place : plan_.leaves_[node.leaf].places) {
      PostingsCursor*& cursor = cursors[place.term];
      if (cursor == nullptr) {
        std::unique_ptr<TermMatcher> matcher = OpenTerm(place.term, 0);
        if (matcher == nullptr) return false;
        cursor = matcher->cursor();
        conjunction->Want(std::move(matcher), /*is_scored=*/false);
      }
      counter.AddTerm(cursor, place.offset);
    }
    conjunction->WantPhrase(std::move(counter), weights_[node.leaf] * node.count);
    return true;
  }

  std::unique_ptr<Matcher> MakeConjunction(const Node& node) {
    auto conjunction = std::make_unique<Conjunction>(scorer_);
    for (const Node& child : node.children) {
      if (child.kind == Node::Kind::kLeaf && plan_.leaves_[child.leaf].places.size() > 1) {
        if (!AddPhrase(child, conjunction.get())) return nullptr;
        continue;
      }
      std::unique_ptr<Matcher> matcher = MakeMatcher(child);
      if (matcher == nullptr) return nullptr;
      conjunction->Want(std::move(matcher), /*is_scored=*/true);
    }
    for (const Node& child : node.excluded) {
      std::unique_ptr<Matcher> matcher = MakeMatcher(child);
      if (matcher != nullptr) conjunction->Exclude(std::move(matcher));
    }
    conjunction->Start();
    return conjunction;
  }

  std::unique_ptr<Matcher> MakeDisjunction(const Node& node) {
    std::vector<std::unique_ptr<Matcher>> matchers;
    for (const Node& child : node.children) {
      std::unique_ptr<Matcher> matcher = MakeMatcher(child);
      if (matcher != nullptr) matchers.push_back(std::move(matcher));
    }
    if (matchers.empty()) return nullptr;
    if (matchers.size() == 1) return std::move(matchers[0]);
    return std::make_unique<Disjunction>(std::move(matchers));
  }

  const SearchPlan& plan_;
  const PostingsSource& source_;
  const Scorer scorer_;
  std::vector<double> weights_;  // parallel to the plan's leaves
};

SearchPlan SearchPlan::Make(const QueryNode& query, const Analyzer& analyzer) {
  return PlanBuilder(analyzer).Build(query);
}

std::vector<std::string> SearchPlan::WantedTerms() const {
  std::vector<bool> wanted(terms_.size());
  for (const Leaf& leaf : leaves_) {
    for (const Place& place : leaf.places)
      wanted[place.term] = wanted[place.term] || leaf.count > 0;
  }
  std::vector<std::string> terms;
  for (size_t i = 0; i < terms_.size(); ++i) {
    if (wanted[i]) terms.push_back(terms_[i]);
  }
  return terms;
}

void SearchPlan::Run(const PostingsSource& source, const CollectionStatistics& statistics,
                     Ranking ranking,
                     absl::FunctionRef<bool(uint32_t document, double score)> visit) const {
  PlanRun(*this, source, statistics, ranking).Visit(visit);
}

}  // namespace libkv
