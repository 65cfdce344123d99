// Terms that the library adds to a plan: of a text that others should be like, of the best hits.
#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "text/search_plan.h"

namespace libkv {

SearchPlan SearchPlan::FromTerms(std::span<const WeightedTerm> terms) {
  SearchPlan plan;
  plan.Alternate(terms, 1);
  return plan;
}

void SearchPlan::AddTerms(std::span<const WeightedTerm> terms, double share) {
  const double words = WordWeight(root_);
  if (words == 0 || terms.empty() || share >= 1) return;
  Scale(share, &root_);
  Alternate(terms, words * (1 - share));
}

double SearchPlan::WordWeight(const Node& node) {
  double sum = node.kind == Node::Kind::kLeaf ? node.weight : 0;
  for (const Node& child : node.children) sum += WordWeight(child);
  return sum;
}

void SearchPlan::Scale(double factor, Node* node) {
  if (node->weight > 0) node->weight = std::clamp(node->weight * factor, kWeightMin, kWeightMax);
  for (Node& child : node->children) Scale(factor, &child);
}

bool SearchPlan::IsFilter(const Node& node) {
  if (node.kind == Node::Kind::kFilter) return true;
  return (node.kind == Node::Kind::kOr || node.kind == Node::Kind::kAnd) &&
         std::all_of(node.children.begin(), node.children.end(), IsFilter);
}

void SearchPlan::Alternate(std::span<const WeightedTerm> terms, double factor) {
  // What the query as a whole leaves out stays out, whatever else a document has; so does what its
  // filters do not let through.
  std::vector<Node> excluded = std::exchange(root_.excluded, {});
  std::vector<Node> filters;
  if (root_.kind == Node::Kind::kAnd) {
    const auto first_filter =
        std::stable_partition(root_.children.begin(), root_.children.end(),
                              [](const Node& child) { return !IsFilter(child); });
    std::move(first_filter, root_.children.end(), std::back_inserter(filters));
    root_.children.erase(first_filter, root_.children.end());
  }
  if (root_.kind == Node::Kind::kAnd && root_.children.size() == 1) {
    root_ = Node(std::move(root_.children[0]));
  }
  Node any{.kind = Node::Kind::kOr};
  if (root_.kind == Node::Kind::kOr) {
    any = std::move(root_);
  } else if (root_.kind != Node::Kind::kNothing) {
    any.children.push_back(std::move(root_));
  }
  std::map<uint32_t, size_t> places;  // leaf -> child
  for (size_t i = 0; i < any.children.size(); ++i) {
    if (any.children[i].kind == Node::Kind::kLeaf) places[any.children[i].leaf] = i;
  }
  for (const WeightedTerm& term : terms) {
    const double weight = std::clamp(term.weight * factor, kWeightMin, kWeightMax);
    const uint32_t leaf = TermLeaf(term);
    const auto [it, is_new] = places.try_emplace(leaf, any.children.size());
    if (is_new) {
      any.children.push_back({.kind = Node::Kind::kLeaf, .leaf = leaf, .weight = weight});
    } else {
      any.children[it->second].weight += weight;
    }
  }
  root_ = Node();
  if (any.children.empty()) return;
  if (any.children.size() == 1) any = Node(std::move(any.children[0]));
  if (excluded.empty() && filters.empty()) {
    root_ = std::move(any);
    return;
  }
  root_.kind = Node::Kind::kAnd;
  root_.children.push_back(std::move(any));
  std::move(filters.begin(), filters.end(), std::back_inserter(root_.children));
  root_.excluded = std::move(excluded);
}

uint32_t SearchPlan::TermLeaf(const WeightedTerm& term) {
  const uint32_t number = TermNumber(term.term);
  for (uint32_t i = 0; i < leaves_.size(); ++i) {
    if (!leaves_[i].pattern.IsWord()) continue;
    Slot& slot = slots_[leaves_[i].pattern.places[0].slot];
    // A prefix or a misspelt word that stands for one term is another leaf than that term.
    if (slot.kind != Slot::Kind::kWord || slot.terms.size() != 1 || slot.terms[0] != number) {
      continue;
    }
    slot.is_wanted = true;
    leaves_[i].count = std::max(leaves_[i].count, 1U);
    return i;
  }
  slots_.push_back({.word = term.word, .terms = {number}, .is_wanted = true});
  Leaf leaf{.text = term.word, .count = 1};
  leaf.pattern.places.push_back({static_cast<uint32_t>(slots_.size() - 1), 0});
  leaves_.push_back(std::move(leaf));
  return static_cast<uint32_t>(leaves_.size() - 1);
}

}  // namespace libkv
