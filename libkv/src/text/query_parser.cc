// Recursive descent. The lexer has bounded the depth and balanced the parentheses; what is left to
// find wrong are operators without operands.
#include "text/query_parser.h"

#include <utility>

#include "base/check.h"
#include "text/query_lexer.h"
#include "text/white_space.h"

namespace libkv {
namespace {

using TokenKind = QueryToken::Kind;
using NodeKind = QueryNode::Kind;

bool IsBlank(std::string_view text) {
  while (!text.empty()) {
    const size_t blank = WhiteSpaceBytes(text);
    if (blank == 0) return false;
    text.remove_prefix(blank);
  }
  return true;
}

// One node of `kind` over `children`; a single child needs none.
QueryNode Join(NodeKind kind, std::vector<QueryNode> children) {
  if (children.empty()) return {};
  if (children.size() == 1) return std::move(children[0]);
  return {.kind = kind, .children = std::move(children)};
}

QueryNode Negate(QueryNode node) {
  if (node.kind == NodeKind::kNothing) return node;
  if (node.kind == NodeKind::kNot) return QueryNode(std::move(node.children[0]));
  QueryNode negation{.kind = NodeKind::kNot};
  negation.children.push_back(std::move(node));
  return negation;
}

class Parser {
 public:
  Parser(std::vector<QueryToken> tokens, QueryProblems* problems)
      : tokens_(std::move(tokens)), problems_(problems) {}

  QueryNode Run() {
    QueryNode root = Or();
    LIBKV_CHECK(peek().kind == TokenKind::kEnd);
    if (root.kind == NodeKind::kNot) {
      problems_->Add(0, "the query only says what to leave out", "it matches nothing");
      return {};
    }
    if (root.kind == NodeKind::kNothing && problems_->first().ok()) {
      problems_->Add(0, "the query is empty", "it matches nothing");
    }
    return root;
  }

 private:
  const QueryToken& peek() const { return tokens_[at_]; }
  QueryToken Take() { return tokens_[at_++]; }

  bool AtOperand() const {
    switch (peek().kind) {
      case TokenKind::kWord:
      case TokenKind::kPrefix:
      case TokenKind::kFuzzy:
      case TokenKind::kPhrase:
      case TokenKind::kAll:
      case TokenKind::kFilter:
      case TokenKind::kOpen:
      case TokenKind::kNot:
      case TokenKind::kPlus:
        return true;
      default:
        return false;
    }
  }

  void Stray(size_t offset, std::string_view what) {
    problems_->Add(offset, what, "it was ignored");
  }

  QueryNode Or() {
    std::vector<QueryNode> alternatives;
    std::vector<size_t> offsets;
    size_t last_or = 0;
    for (bool first = true;; first = false) {
      const size_t offset = peek().offset;
      QueryNode node = And();
      const bool more = peek().kind == TokenKind::kOr;
      if (node.kind != NodeKind::kNothing) {
        alternatives.push_back(std::move(node));
        offsets.push_back(offset);
      } else if (more || !first) {
        Stray(more ? peek().offset : last_or, "an OR without a term on one side");
      }
      if (!more) break;
      last_or = Take().offset;
    }
    if (alternatives.size() > 1) DropNegations(&alternatives, offsets);
    return Join(NodeKind::kOr, std::move(alternatives));
  }

  // "a OR -b" asks for nearly everything, which no index can give.
  void DropNegations(std::vector<QueryNode>* alternatives, const std::vector<size_t>& offsets) {
    std::vector<QueryNode> kept;
    for (size_t i = 0; i < alternatives->size(); ++i) {
      if ((*alternatives)[i].kind == NodeKind::kNot) {
        Stray(offsets[i], "an alternative of OR that only says what to leave out");
      } else {
        kept.push_back(std::move((*alternatives)[i]));
      }
    }
    *alternatives = std::move(kept);
  }

  QueryNode And() {
    std::vector<QueryNode> wanted, unwanted;
    bool has_operand = false, open_and = false;
    size_t last_and = 0;
    while (AtOperand() || peek().kind == TokenKind::kAnd || peek().kind == TokenKind::kNear) {
      if (peek().kind == TokenKind::kNear) {
        StrayNear(Take().offset);
        continue;
      }
      if (peek().kind == TokenKind::kAnd) {
        last_and = Take().offset;
        if (open_and || !has_operand) Stray(last_and, "an AND without a term on one side");
        open_and = has_operand;
        continue;
      }
      QueryNode node = Unary();
      has_operand = true;
      open_and = false;
      if (node.kind == NodeKind::kNot) {
        unwanted.push_back(std::move(node));
      } else if (node.kind != NodeKind::kNothing) {
        wanted.push_back(std::move(node));
      }
    }
    if (open_and) Stray(last_and, "an AND without a term on one side");
    if (wanted.empty()) return AllUnwanted(std::move(unwanted));
    for (QueryNode& node : unwanted) wanted.push_back(std::move(node));
    return Join(NodeKind::kAnd, std::move(wanted));
  }

  // NOT a AND NOT b is NOT (a OR b).
  static QueryNode AllUnwanted(std::vector<QueryNode> unwanted) {
    for (QueryNode& node : unwanted) node = QueryNode(std::move(node.children[0]));
    return Negate(Join(NodeKind::kOr, std::move(unwanted)));
  }

  QueryNode Unary() {
    if (peek().kind != TokenKind::kNot && peek().kind != TokenKind::kPlus) return Near();
    const QueryToken sign = Take();
    while (peek().kind == TokenKind::kNot || peek().kind == TokenKind::kPlus) {
      Stray(Take().offset, "a second sign before one term");
    }
    if (!AtOperand()) {
      Stray(sign.offset, "a NOT with nothing after it");
      return {};
    }
    QueryNode node = Near();
    return sign.kind == TokenKind::kNot ? Negate(std::move(node)) : std::move(node);
  }

  QueryNode Near() {
    QueryNode left = Primary();
    if (peek().kind != TokenKind::kNear) return left;
    const QueryToken near = Take();
    const bool has_right = AtOperand() && peek().kind != TokenKind::kNot &&
                           peek().kind != TokenKind::kPlus && peek().kind != TokenKind::kOpen;
    QueryNode right = has_right && HasPlace(left) ? Primary() : QueryNode();
    if (!HasPlace(right)) {
      StrayNear(near.offset);
      if (right.kind == NodeKind::kNothing) return left;
      return Join(NodeKind::kAnd, MakePair(std::move(left), std::move(right)));
    }
    QueryNode node{
        .kind = NodeKind::kNear, .boost = left.boost * right.boost, .distance = near.distance};
    left.boost = right.boost = 1;
    node.children = MakePair(std::move(left), std::move(right));
    return node;
  }

  static std::vector<QueryNode> MakePair(QueryNode first, QueryNode second) {
    std::vector<QueryNode> pair;
    pair.push_back(std::move(first));
    pair.push_back(std::move(second));
    return pair;
  }

  // Whether `node` stands at places of a text, so that something can be near it.
  static bool HasPlace(const QueryNode& node) {
    return node.kind == NodeKind::kWord || node.kind == NodeKind::kPhrase ||
           node.kind == NodeKind::kPrefix || node.kind == NodeKind::kFuzzy;
  }

  void StrayNear(size_t offset) {
    Stray(offset, "a NEAR that is not between two words or phrases");
  }

  QueryNode Primary() {
    const QueryToken token = Take();
    if (token.kind == TokenKind::kOpen) return Group(token);
    if (token.kind == TokenKind::kPhrase && IsBlank(token.text)) {
      Stray(token.offset, "a phrase without words");
      return {};
    }
    return {.kind = KindOf(token.kind),
            .text = std::string(token.kind == TokenKind::kAll ? "" : token.text),
            .boost = token.boost,
            .distance = token.distance,
            .ranges = token.ranges};
  }

  static NodeKind KindOf(TokenKind kind) {
    switch (kind) {
      case TokenKind::kWord:
        return NodeKind::kWord;
      case TokenKind::kPrefix:
        return NodeKind::kPrefix;
      case TokenKind::kFuzzy:
        return NodeKind::kFuzzy;
      case TokenKind::kAll:
        return NodeKind::kAll;
      case TokenKind::kFilter:
        return NodeKind::kFilter;
      default:
        LIBKV_CHECK(kind == TokenKind::kPhrase);
        return NodeKind::kPhrase;
    }
  }

  QueryNode Group(const QueryToken& open) {
    if (peek().kind == TokenKind::kClose) Stray(open.offset, "empty parentheses");
    QueryNode node = Or();
    const QueryToken close = Take();
    LIBKV_CHECK(close.kind == TokenKind::kClose);
    if (node.kind != NodeKind::kNothing) node.boost *= close.boost;
    return node;
  }

  const std::vector<QueryToken> tokens_;
  QueryProblems* const problems_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<ParsedQuery> ParseQuery(std::string_view query, bool strict,
                                       const std::vector<std::string>* fields) {
  QueryProblems problems;
  ParsedQuery parsed;
  parsed.root = Parser(LexQuery(query, &problems, fields), &problems).Run();
  if (strict && !problems.first().ok()) return problems.first();
  parsed.warnings = problems.TakeWarnings();
  return parsed;
}

}  // namespace libkv
