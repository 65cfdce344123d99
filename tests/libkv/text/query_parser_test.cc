#include "text/query_parser.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <sstream>
#include <string>

#include "base/utf8.h"

namespace libkv {
namespace {

std::string Show(const QueryNode& node);

// A query tree in prefix form: (& a "b c" !d), (| a b), nothing; with the signs of the language:
// web*, servr~1, "a b"~2, (NEAR/3 a b), *, each with its weight: ^2.
std::string ShowPlain(const QueryNode& node) {
  const std::string distance = std::to_string(node.distance);
  switch (node.kind) {
    case QueryNode::Kind::kNothing:
      return "nothing";
    case QueryNode::Kind::kWord:
      return node.text;
    case QueryNode::Kind::kPhrase:
      return "\"" + node.text + "\"" + (node.distance == 0 ? "" : "~" + distance);
    case QueryNode::Kind::kPrefix:
      return node.text + "*";
    case QueryNode::Kind::kFuzzy:
      return node.text + "~" + (node.distance == 0 ? "" : distance);
    case QueryNode::Kind::kAll:
      return "*";
    case QueryNode::Kind::kNear:
      return "(NEAR/" + distance + " " + Show(node.children[0]) + " " + Show(node.children[1]) +
             ")";
    case QueryNode::Kind::kNot:
      return "!" + Show(node.children[0]);
    default: {
      std::string out = node.kind == QueryNode::Kind::kAnd ? "(&" : "(|";
      for (const QueryNode& child : node.children) out += " " + Show(child);
      return out + ")";
    }
  }
}

std::string Show(const QueryNode& node) {
  std::ostringstream boost;
  if (node.boost != 1) boost << "^" << node.boost;
  return ShowPlain(node) + boost.str();
}

struct Case {
  std::string query, tree;
  size_t warnings = 0;            // of the lenient parser
  std::string strict_error = {};  // part of the message; "" where there is no warning
};

TEST_CASE("queries are read as their grammar says, leniently and strictly") {
  const Case cases[] = {
      {"web", "web"},
      {"web server", "(& web server)"},
      {"web AND server & x && y", "(& web server x y)"},
      {"a OR b", "(| a b)"},
      {"a b OR c d", "(| (& a b) (& c d))"},
      {"a|b || c", "(| a b c)"},
      {"\"web server\" x", "(& \"web server\" x)"},
      {"\xE2\x80\x9Cweb server\xE2\x80\x9D", "\"web server\""},
      {"a -b", "(& a !b)"},
      {"-b a", "(& a !b)"},
      {"a NOT b +c", "(& a c !b)"},
      {"a -\"b c\" -(d OR e)", "(& a !\"b c\" !(| d e))"},
      {"(a OR b) c", "(& (| a b) c)"},
      {"((a))", "a"},
      {"a (-b -c)", "(& a !(| b c))"},
      {"a -(-b)", "(& a b)"},
      {"a -(b -c)", "(& a !(& b !c))"},
      {"(a)OR(b)", "(| a b)"},
      {"f(x)", "(& f x)"},
      {"a\xE3\x80\x80"
       "b",
       "(& a b)"},  // the ideographic space
      // Characters of operators inside words.
      {"full-text C++ a@b.org AT&T x-y|z+", "(| (& full-text C++ a@b.org AT&T x-y) z+)"},
      {"--verbose", "--verbose"},
      {"or and not", "(& or and not)"},
      {"a -OR", "(& a !OR)"},
      {"\"OR\"", "\"OR\""},
      {"title:x* ^y~2", "(& title:x* ^y~2)"},
      // Weights.
      {"a^2", "a^2"},
      {"a^2.5 b^0.25", "(& a^2.5 b^0.25)"},
      {"\"a b\"^3 c", "(& \"a b\"^3 c)"},
      {"(a OR b)^3", "(| a b)^3"},
      {"((a)^2)^3", "a^6"},
      {"(a)^3^4", "(& a ^3^4)", 1, "byte 3"},
      {"-a^2 b", "(& b !a^2)"},
      {"a^1000 b^0.001", "(& a^1000 b^0.001)"},
      {"x^y^2", "x^y^2"},
      {"a^0", "a^0", 1, "byte 1"},
      {"a^1001", "a^1001", 1, "byte 1"},
      {"a^-1 b^x c^", "(& a^-1 b^x c^)", 3, "byte 1"},
      {"\"a\"^0", "(& \"a\" ^0)", 1, "byte 3"},
      {"(a)^ b", "(& a ^ b)", 1, "byte 3"},
      {"a^1e2", "a^1e2", 1, "byte 1"},
      {"a^nan b^inf", "(& a^nan b^inf)", 2, "byte 1"},
      {"^_^", "^_^", 1, "byte 2"},
      // Everything.
      {"*", "*"},
      {"*^2 -a", "(& *^2 !a)"},
      {"a *", "(& a *)"},
      {"** \"a\"*", "(& ** \"a\" *)"},  // not apart, so no operator: Show cannot tell
      {"-* a", "(& a !*)"},
      // Phrases with room, and words near each other.
      {"\"a b\"~3", "\"a b\"~3"},
      {"\"a b\"~0^2", "\"a b\"^2"},
      {"\"a b\"~", "(& \"a b\" ~)"},
      {"\"a b\"~51", "(& \"a b\" ~51)", 1, "byte 5"},
      {"a NEAR b", "(NEAR/8 a b)"},
      {"a NEAR/3 \"b c\"~1 d", "(& (NEAR/3 a \"b c\"~1) d)"},
      {"x OR a NEAR/50 b*^2", "(| x (NEAR/50 a b*)^2)"},
      {"-a NEAR b c", "(& c !(NEAR/8 a b))"},
      {"a NEAR/0 b", "(& a NEAR/0 b)", 1, "byte 2"},
      {"a NEAR/51 b", "(& a NEAR/51 b)", 1, "byte 2"},
      {"a NEAR/x near NEARLY b", "(& a NEAR/x near NEARLY b)"},
      {"NEAR a", "a", 1, "byte 0"},
      {"a NEAR", "a", 1, "byte 2"},
      {"a NEAR (b)", "(& a b)", 1, "byte 2"},
      {"(a OR b) NEAR c", "(& (| a b) c)", 1, "byte 9"},
      {"a NEAR b NEAR c", "(& (NEAR/8 a b) c)", 1, "byte 9"},
      {"a NEAR -b", "(& a !b)", 1, "byte 2"},
      {"a NEAR \"\"", "a", 2, "byte 2"},
      {"a NEAR *", "(& a *)", 1, "byte 2"},
      // Beginnings and misspelt words.
      {"web*", "web*"},
      {"full-te*^2", "full-te*^2"},
      {"servr~ servr~1 servr~2^3", "(& servr~ servr~1 servr~2^3)"},
      {"1.0~rc1 a~b ~a", "(& 1.0~rc1 a~b ~a)"},
      {"a~3", "a~3", 1, "byte 1"},
      {"a~0", "a~0", 1, "byte 1"},
      {"-web* a", "(& a !web*)"},
      // What is wrong.
      {"", "nothing", 1, "byte 0"},
      {"  ", "nothing", 1, "byte 0"},
      {"-a", "nothing", 1, "byte 0"},
      {"-a -b", "nothing", 1, "byte 0"},
      {"NOT (a OR b)", "nothing", 1, "byte 0"},
      {"a \"b c", "(& a \"b c\")", 1, "byte 2"},
      {"a \"\" b", "(& a b)", 1, "byte 2"},
      {"(a b", "(& a b)", 1, "byte 0"},
      {"a) b", "(& a b)", 1, "byte 1"},
      {"a () b", "(& a b)", 1, "byte 2"},
      {"OR a", "a", 1, "byte 0"},
      {"a OR", "a", 1, "byte 2"},
      {"a OR OR b", "(| a b)", 1, "byte 5"},
      {"AND a", "a", 1, "byte 0"},
      {"a AND", "a", 1, "byte 2"},
      {"a AND AND b", "(& a b)", 1, "byte 6"},
      {"a AND OR b", "(| a b)", 1, "byte 2"},
      {"a NOT", "a", 1, "byte 2"},
      {"a NOT OR b", "(| a b)", 1, "byte 2"},
      {"a NOT NOT b", "(& a !b)", 1, "byte 6"},
      {"a - b", "(& a b)", 1, "byte 2"},
      {"a -", "a", 1, "byte 2"},
      {"a OR -b", "a", 1, "byte 5"},
      {"-a OR -b", "nothing", 2, "byte 0"},
      {"a OR (-b)", "a", 1, "byte 5"},
      {")(", "nothing", 3, "byte 0"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.query);
    const auto lenient = ParseQuery(c.query, false);
    REQUIRE(lenient.ok());
    CHECK(Show(lenient->root) == c.tree);
    CHECK(lenient->warnings.size() == c.warnings);
    const auto strict = ParseQuery(c.query, true);
    CHECK(strict.ok() == (c.warnings == 0));
    if (strict.ok()) {
      CHECK(Show(strict->root) == c.tree);
    } else {
      CHECK(absl::IsInvalidArgument(strict.status()));
      const std::string message(strict.status().message().data(), strict.status().message().size());
      CAPTURE(message);
      CHECK(message.find(c.strict_error + ":") != std::string::npos);
    }
  }
}

TEST_CASE("a warning is one sentence that says where and what was done") {
  // The table of libkv/doc/query_language.md.
  const std::pair<std::string, std::string> cases[] = {
      {"a \"b c", "Byte 2: a quote that is never closed; it was closed at the end."},
      {"(a b", "Byte 0: a parenthesis that is never closed; it was closed at the end."},
      {"a) b", "Byte 1: a parenthesis that closes nothing; it was ignored."},
      {"a OR", "Byte 2: an OR without a term on one side; it was ignored."},
      {"a NOT", "Byte 2: a NOT with nothing after it; it was ignored."},
      {"a NEAR", "Byte 2: a NEAR that is not between two words or phrases; it was ignored."},
      {"a^0",
       "Byte 1: a weight that is not a number above 0 and up to 1,000; it was taken as text."},
      {"\"a b\"~51", "Byte 5: a phrase with more than 50 words in between; it was taken as text."},
      {"a NEAR/0 b",
       "Byte 2: a NEAR with a number of words that is not 1 to 50; it was taken as text."},
      {"a~3", "Byte 1: a number of edits that is not 1 or 2; it was taken as text."},
      {"-a", "Byte 0: the query only says what to leave out; it matches nothing."},
  };
  for (const auto& [query, warning] : cases) {
    CHECK(ParseQuery(query, false)->warnings == std::vector<std::string>{warning});
  }
}

TEST_CASE("the bounds cut a lenient query and refuse a strict one") {
  const auto words = [](size_t count) {
    std::string query;
    for (size_t i = 0; i < count; ++i) query += "w ";
    return query;
  };
  const auto nested = [](size_t depth) {
    return std::string(depth, '(') + "a" + std::string(depth, ')') + " b";
  };
  CHECK(ParseQuery(words(kQueryTermsMax), true).ok());
  CHECK_FALSE(ParseQuery(words(kQueryTermsMax + 1), true).ok());
  CHECK(ParseQuery(words(kQueryTermsMax + 9), false)->root.children.size() == kQueryTermsMax);
  CHECK(ParseQuery("a \"" + words(kQueryTermsMax - 1) + "\"", true).ok());
  CHECK_FALSE(ParseQuery("a \"" + words(kQueryTermsMax) + "\"", true).ok());
  const auto phrase = ParseQuery("a \"" + words(kQueryTermsMax) + "\" b", false);
  CHECK(phrase->root.children.size() == 2);
  CHECK(phrase->root.children[1].text.size() == 2 * (kQueryTermsMax - 1));
  CHECK(phrase->warnings.size() == 1);

  CHECK(ParseQuery(nested(kQueryDepthMax), true).ok());
  CHECK_FALSE(ParseQuery(nested(kQueryDepthMax + 1), true).ok());
  const auto flattened = ParseQuery(nested(kQueryBytesMax / 2 - 2), false);
  CHECK(Show(flattened->root) == "(& a b)");
  CHECK(flattened->warnings.size() == 1);
  CHECK(ParseQuery(std::string(kQueryBytesMax, '('), false).ok());

  const std::string long_word(kQueryBytesMax, 'x');
  CHECK(ParseQuery(long_word, true).ok());
  CHECK_FALSE(ParseQuery(long_word + "x", true).ok());
  CHECK(ParseQuery(long_word + "x", false)->root.text == long_word);
  // The cut does not split a character.
  const std::string tail = long_word.substr(1) + "\xE4\xB8\xAD";
  CHECK(ParseQuery(tail, false)->root.text == long_word.substr(1));
}

size_t Depth(const QueryNode& node) {
  size_t depth = 0;
  for (const QueryNode& child : node.children) depth = std::max(depth, Depth(child));
  return depth + 1;
}

// Whether the tree has the shape that query.h promises.
void CheckShape(const QueryNode& node, const QueryNode* parent) {
  using Kind = QueryNode::Kind;
  size_t negations = 0;
  REQUIRE(node.boost > 0);
  for (const QueryNode& child : node.children) {
    REQUIRE(child.kind != Kind::kNothing);
    negations += child.kind == Kind::kNot;
    CheckShape(child, &node);
  }
  switch (node.kind) {
    case Kind::kAnd:
      REQUIRE(node.children.size() >= 2);
      REQUIRE(negations < node.children.size());
      break;
    case Kind::kOr:
      REQUIRE(node.children.size() >= 2);
      REQUIRE(negations == 0);
      break;
    case Kind::kNot:
      REQUIRE(parent != nullptr);
      REQUIRE(parent->kind == Kind::kAnd);
      REQUIRE(node.children.size() == 1);
      REQUIRE(negations == 0);
      break;
    case Kind::kNear:
      REQUIRE(node.children.size() == 2);
      REQUIRE(node.distance >= 1);
      REQUIRE(node.distance <= kNearDistanceMax);
      for (const QueryNode& child : node.children) {
        REQUIRE((child.kind == Kind::kWord || child.kind == Kind::kPhrase ||
                 child.kind == Kind::kPrefix || child.kind == Kind::kFuzzy));
        REQUIRE(child.boost == 1);
      }
      break;
    default:
      REQUIRE(node.children.empty());
  }
}

TEST_CASE("a lenient query is never wrong") {
  // Goal: any bytes give a tree of the promised shape, bounded, with at most eight warnings; and
  // what strict accepts, lenient reads the same. Method: random mixes of all that has a meaning.
  const std::vector<std::string> pieces = {"a",
                                           "b",
                                           "the",
                                           "(",
                                           ")",
                                           "((",
                                           "\"",
                                           "-",
                                           "+",
                                           "|",
                                           "&",
                                           " ",
                                           " OR ",
                                           " AND ",
                                           " NOT ",
                                           "OR",
                                           "NOT",
                                           "\xE2\x80\x9C",
                                           "\xFF",
                                           "\xE4\xB8",
                                           std::string(1, '\0'),
                                           "\xE3\x80\x80",
                                           " -(",
                                           "*",
                                           "~",
                                           "~2",
                                           "^2",
                                           "^",
                                           " NEAR ",
                                           " NEAR/3 "};
  std::mt19937 random(21);
  size_t accepted = 0;
  for (int round = 0; round < 60'000; ++round) {
    std::string query;
    for (size_t count = random() % 20; count > 0; --count)
      query += pieces[random() % pieces.size()];
    CAPTURE(query);
    const auto lenient = ParseQuery(query, false);
    REQUIRE(lenient.ok());
    REQUIRE(lenient->warnings.size() <= kQueryWarningsMax);
    REQUIRE(Depth(lenient->root) <= kQueryLevelsMax);
    CheckShape(lenient->root, nullptr);
    for (const std::string& warning : lenient->warnings) REQUIRE(IsValidUtf8(warning));
    const auto strict = ParseQuery(query, true);
    REQUIRE(strict.ok() == lenient->warnings.empty());
    if (strict.ok()) {
      ++accepted;
      REQUIRE(strict->root == lenient->root);
    }
  }
  CHECK(accepted > 1'000);
}

TEST_CASE("the deepest tree stays within its bound") {
  std::string query;
  for (size_t i = 0; i < kQueryDepthMax; ++i) query += "a OR b -(";
  query += "c" + std::string(kQueryDepthMax, ')');
  const auto parsed = ParseQuery(query, true);
  REQUIRE(parsed.ok());
  CHECK(Depth(parsed->root) <= kQueryLevelsMax);
  CHECK(Depth(parsed->root) > 2 * kQueryDepthMax);
}

}  // namespace
}  // namespace libkv
