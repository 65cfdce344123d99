// From a query's tree to a plan's: analyzes words, drops what has no terms, joins what is equal.
#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "base/strings.h"
#include "text/edit_distance.h"
#include "text/fold.h"
#include "text/search_plan.h"
#include "text/term.h"
#include "text/word_breaker.h"

namespace libkv {

class PlanBuilder {
 public:
  explicit PlanBuilder(const Analyzer& analyzer) : analyzer_(analyzer) {}

  SearchPlan Build(const QueryNode& query, std::span<const FieldFilter> filters) && {
    plan_.root_ = MakeNode(query, 1, /*wanted=*/true);
    if (!plan_.MatchesNothing() && !filters.empty()) AddFilters(filters);
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
  using Pattern = SearchPlan::Pattern;
  using Place = SearchPlan::Place;
  using Slot = SearchPlan::Slot;

  // `boost` is that of all groups around.
  Node MakeNode(const QueryNode& query, double boost, bool wanted) {
    boost = std::clamp(boost * query.boost, kWeightMin, kWeightMax);
    switch (query.kind) {
      case Kind::kWord:
      case Kind::kPhrase:
      case Kind::kPrefix:
      case Kind::kFuzzy:
      case Kind::kNear:
        return MakeLeaf(query, boost, wanted);
      case Kind::kAll:
        return {.kind = Node::Kind::kAll, .weight = boost};
      case Kind::kFilter:
        return MakeFilter(query.ranges, query.text, boost);
      case Kind::kAnd:
        return MakeAnd(query, boost, wanted);
      case Kind::kOr:
        return MakeOr(query, boost, wanted);
      default:
        return {};
    }
  }

  Node MakeFilter(const std::vector<FieldFilter>& ranges, std::string text, double weight) {
    const auto same =
        std::find_if(plan_.filters_.begin(), plan_.filters_.end(),
                     [&](const SearchPlan::Filter& filter) { return filter.ranges == ranges; });
    const auto number = static_cast<uint32_t>(same - plan_.filters_.begin());
    if (same == plan_.filters_.end()) plan_.filters_.push_back({ranges, std::move(text)});
    return {.kind = Node::Kind::kFilter, .leaf = number, .weight = weight};
  }

  // Around the whole query: what it scores stays.
  void AddFilters(std::span<const FieldFilter> filters) {
    Node root{.kind = Node::Kind::kAnd};
    if (plan_.root_.kind == Node::Kind::kAnd) {
      root = std::move(plan_.root_);
    } else {
      root.children.push_back(std::move(plan_.root_));
    }
    for (const FieldFilter& filter : filters) {
      root.children.push_back(MakeFilter({filter}, filter.field, 0));
    }
    plan_.root_ = std::move(root);
  }

  static void TakeWeight(Node* node) {
    node->weight = 0;
    for (Node& child : node->children) TakeWeight(&child);
  }

  // Beside words, filters score nothing; without words, the first of them does.
  static void WeighFilters(std::vector<Node>* children) {
    bool has_score = std::any_of(children->begin(), children->end(),
                                 [](const Node& child) { return !SearchPlan::IsFilter(child); });
    for (Node& child : *children) {
      if (!SearchPlan::IsFilter(child)) continue;
      if (has_score) TakeWeight(&child);
      has_score = true;
    }
  }

  Node MakeLeaf(const QueryNode& query, double boost, bool wanted) {
    const Pattern pattern = MakePattern(query);
    if (pattern.places.empty()) return {};
    const auto [it, is_new] =
        leaves_.try_emplace(pattern, static_cast<uint32_t>(plan_.leaves_.size()));
    if (is_new) plan_.leaves_.push_back({pattern, TextOf(query)});
    if (wanted) {
      ++plan_.leaves_[it->second].count;
      for (const Place& place : pattern.places) plan_.slots_[place.slot].is_wanted = true;
    }
    return {.kind = Node::Kind::kLeaf, .leaf = it->second, .weight = boost};
  }

  Pattern MakePattern(const QueryNode& query) {
    if (query.kind != Kind::kNear) {
      Pattern pattern{PlacesOf(query)};
      if (query.kind == Kind::kPhrase && pattern.places.size() > 1) pattern.slop = query.distance;
      return pattern;
    }
    // Of two, one may have dropped out.
    Pattern left = MakePattern(query.children[0]);
    Pattern right = MakePattern(query.children[1]);
    if (right.places.empty()) return left;
    if (left.places.empty()) return right;
    left.near = std::max(query.distance, 1U);
    left.right = static_cast<uint32_t>(left.places.size());
    left.right_slop = right.slop;
    left.places.insert(left.places.end(), right.places.begin(), right.places.end());
    return left;
  }

  std::vector<Place> PlacesOf(const QueryNode& query) {
    if (query.kind == Kind::kPrefix || query.kind == Kind::kFuzzy) {
      std::optional<std::vector<Place>> places = PlacesWithExpansion(query);
      if (places.has_value()) return *std::move(places);
    }
    std::vector<Place> places;
    AddWords(query.text, &places);
    MoveToFirst(&places);
    return places;
  }

  // Positions of the text become offsets.
  static void MoveToFirst(std::vector<Place>* places) {
    if (places->empty()) return;
    const uint32_t first = places->front().offset;
    for (Place& place : *places) place.offset -= first;
  }

  bool HasRoom() {
    too_many_terms_ = too_many_terms_ || places_ == kQueryTermsMax;
    places_ += !too_many_terms_;
    return !too_many_terms_;
  }

  void AddWords(std::string_view text, std::vector<Place>* places) {
    analyzer_.Analyze(text, [&](const Token& token) {
      if (HasRoom()) places->push_back({WordSlot(token), token.position});
    });
  }

  // The last word of the text as a prefix or fuzzy, the others before it. None: the last word is
  // not one that can be expanded; the sign is to be ignored.
  std::optional<std::vector<Place>> PlacesWithExpansion(const QueryNode& query) {
    const std::string_view text = query.text;
    Word last;
    ForEachWord(text, [&last](const Word& word) { last = word; });
    if (last.end == 0) return std::nullopt;
    std::string folded;
    FoldWord(text.substr(last.begin, last.end - last.begin), &folded);
    const size_t characters = CountCharacters(folded);
    // Longer runs are found within any text that has them, as they are.
    if (last.kind == Word::Kind::kEastern && characters > 1) return std::nullopt;
    if (folded.empty() || folded.size() > kTermBytesMax || !HasRoom()) return std::nullopt;

    std::vector<Place> places;
    const std::string_view head = text.substr(0, last.begin);
    AddWords(head, &places);
    Slot slot{.kind = Slot::Kind::kPrefix, .word = std::move(folded)};
    if (query.kind == Kind::kFuzzy) {
      slot.kind = Slot::Kind::kFuzzy;
      slot.edits = query.distance == 0 ? TypoEdits(characters) : query.distance;
    }
    places.push_back({ExpandedSlot(std::move(slot)), PositionAfter(head)});
    MoveToFirst(&places);
    return places;
  }

  // The position of a word that follows `head`, stop words at its end counted: that of a letter
  // put there.
  uint32_t PositionAfter(std::string_view head) {
    if (head.empty()) return 0;
    uint32_t position = 0;
    const std::string text = Concat(head, "x");
    analyzer_.Analyze(text, [&](const Token& token) {
      position = token.begin_byte >= head.size() ? token.position : token.position + 1;
    });
    return position;
  }

  uint32_t WordSlot(const Token& token) {
    const uint32_t term = plan_.TermNumber(token.term);
    const auto [it, is_new] =
        word_slots_.try_emplace(term, static_cast<uint32_t>(plan_.slots_.size()));
    if (is_new) {
      const std::string_view word = token.word.empty() ? token.term : token.word;
      plan_.slots_.push_back({.word = std::string(word), .terms = {term}});
    }
    return it->second;
  }

  uint32_t ExpandedSlot(Slot slot) {
    const auto [it, is_new] =
        expanded_slots_.try_emplace(std::make_tuple(slot.kind, slot.edits, slot.word),
                                    static_cast<uint32_t>(plan_.slots_.size()));
    if (is_new) plan_.slots_.push_back(std::move(slot));
    return it->second;
  }

  static std::string TextOf(const QueryNode& query) {
    switch (query.kind) {
      case Kind::kPhrase:
        if (query.distance == 0) return Concat("\"", query.text, "\"");
        return Concat("\"", query.text, "\"~", query.distance);
      case Kind::kPrefix:
        return query.text + "*";
      case Kind::kFuzzy:
        return query.distance == 0 ? query.text + "~" : Concat(query.text, "~", query.distance);
      case Kind::kNear:
        return Concat(TextOf(query.children[0]), " NEAR/", query.distance, " ",
                      TextOf(query.children[1]));
      default:
        return query.text;
    }
  }

  // Adds `node` to the children of one AND or one OR; equal leaves become one that counts more.
  static void Add(Node node, std::map<uint32_t, size_t>* leaves, std::vector<Node>* children) {
    if (node.kind == Node::Kind::kLeaf) {
      const auto [it, is_new] = leaves->try_emplace(node.leaf, children->size());
      if (!is_new) {
        (*children)[it->second].weight += node.weight;
        return;
      }
    }
    children->push_back(std::move(node));
  }

  Node MakeAnd(const QueryNode& query, double boost, bool wanted) {
    Node node{.kind = Node::Kind::kAnd};
    std::map<uint32_t, size_t> leaves;
    for (const QueryNode& part : query.children) {
      if (part.kind == Kind::kNot) {
        Node unwanted = part.children.empty() ? Node() : MakeNode(part.children[0], 1, false);
        if (unwanted.kind != Node::Kind::kNothing) node.excluded.push_back(std::move(unwanted));
        continue;
      }
      Node child = MakeNode(part, boost, wanted);
      if (child.kind == Node::Kind::kAnd) {
        for (Node& grandchild : child.children) Add(std::move(grandchild), &leaves, &node.children);
        for (Node& unwanted : child.excluded) node.excluded.push_back(std::move(unwanted));
      } else if (child.kind != Node::Kind::kNothing) {
        Add(std::move(child), &leaves, &node.children);
      }
    }
    if (node.children.empty()) return {};
    WeighFilters(&node.children);
    if (node.children.size() == 1 && node.excluded.empty())
      return Node(std::move(node.children[0]));
    return node;
  }

  Node MakeOr(const QueryNode& query, double boost, bool wanted) {
    Node node{.kind = Node::Kind::kOr};
    std::map<uint32_t, size_t> leaves;
    for (const QueryNode& part : query.children) {
      Node child = MakeNode(part, boost, wanted);
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
  std::map<uint32_t, uint32_t> word_slots_;  // by term
  std::map<std::tuple<Slot::Kind, uint32_t, std::string>, uint32_t> expanded_slots_;
  std::map<Pattern, uint32_t> leaves_;
  size_t places_ = 0;
  bool too_many_terms_ = false;
};

SearchPlan SearchPlan::Make(const QueryNode& query, const Analyzer& analyzer,
                            std::span<const FieldFilter> filters) {
  return PlanBuilder(analyzer).Build(query, filters);
}

}  // namespace libkv
