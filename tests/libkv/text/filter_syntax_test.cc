// What may stand behind "field:" and which values it means.
#include "text/filter_syntax.h"

#include <doctest/doctest.h>

#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "text/query_lexer.h"
#include "text/query_parser.h"

namespace libkv {
namespace {

std::string Show(const FieldValue& value) {
  if (std::holds_alternative<std::nullptr_t>(value)) return "null";
  if (const bool* const b = std::get_if<bool>(&value)) return *b ? "true" : "false";
  if (const auto* const text = std::get_if<std::string>(&value)) return "'" + *text + "'";
  std::ostringstream out;
  out << std::get<double>(value);
  return out.str();
}

// [first last] with parentheses where the bound is left out; ~ when bounds are beginnings.
std::string Show(const std::vector<FieldFilter>& ranges) {
  std::string out;
  for (const FieldFilter& range : ranges) {
    out += std::string(out.empty() ? "" : " ") + (range.by_beginning ? "~" : "");
    out += (range.after_first ? "(" : "[") + (range.first ? Show(*range.first) : "") + " ";
    out += (range.last ? Show(*range.last) : "") + (range.before_last ? ")" : "]");
  }
  return out;
}

TEST_CASE("a filter means the values that its syntax says") {
  struct Case {
    std::string text, ranges;
    size_t rest = 0;  // bytes that do not belong to it
  };
  const Case cases[] = {
      {"web", "['web' 'web']"},
      {"web rest", "['web' 'web']", 5},
      {"web) rest", "['web' 'web']", 6},
      {"1", "['1' '1'] [1 1]"},
      {"-1.50", "['-1.50' '-1.50'] [-1.5 -1.5]"},
      {"1e3", "['1e3' '1e3'] [1000 1000]"},
      {"inf", "['inf' 'inf']"},
      {"nan", "['nan' 'nan']"},
      {"true", "['true' 'true'] [true true]"},
      {"null", "['null' 'null'] [null null]"},
      {"*", "[ ]"},
      {"we*", "~['we' 'we']"},
      {"w*b", "['w*b' 'w*b']"},
      {"\"we*\"", "['we*' 'we*']"},
      {"\"a b\"~3", "['a b' 'a b']", 2},
      {"\xE2\x80\x9C"
       "1..2\xE2\x80\x9D",
       "['1..2' '1..2']"},
      {"a:b", "['a:b' 'a:b']"},
      {">5", "(5 inf] ~('5' ':')"},
      {">=5", "[5 inf] ~['5' ':')"},
      {"<5", "[-inf 5) ~['0' '5')"},
      {"<=5", "[-inf 5] ~['0' '5']"},
      {"<=2024-03", "~['' '2024-03']"},
      {">b", "~('b' ]"},
      {">=\"a b\"", "~['a b' ]"},
      {">*", "~('*' ]"},
      {"1..5", "[1 5] ~['1' '5']"},
      {"..5", "[-inf 5] ~['0' '5']"},
      {"1..", "[1 inf] ~['1' ':')"},
      {"1..b", "~['1' 'b']"},
      {"..", "['..' '..']"},
      {"*..5", "[-inf 5] ~['0' '5']"},
      {"[1 TO 5]", "[1 5] ~['1' '5']"},
      {"[1 TO 5]x", "[1 5] ~['1' '5']", 1},
      {"[ 2024-01  TO\t2024-03 ]", "~['2024-01' '2024-03']"},
      {"[* TO 5]", "[-inf 5] ~['0' '5']"},
      {"[a TO *]", "~['a' ]"},
      {"[* TO *]", "[ ]"},
      {"[\"a b\" TO \"*\"]", "~['a b' '*']"},
      {"[\"TO\" TO TO]", "~['TO' 'TO']"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    size_t bare = c.text.find_first_of(" )\"");
    if (bare == std::string::npos) bare = c.text.size();
    size_t taken = 0;
    std::vector<FieldFilter> ranges;
    CHECK(ParseFilter("f", c.text, bare, &taken, &ranges) == "");
    CHECK(taken == c.text.size() - c.rest);
    CHECK(Show(ranges) == c.ranges);
    for (const FieldFilter& range : ranges) CHECK(range.field == "f");
  }
  for (const std::string text :
       {"", "[", "[]", "[a]", "[a b]", "[a TO]", "[a TO b", "[TO b]", "[a TOb]", "[\"a TO b]", ">",
        ">=", "<", "<=", "<\"a", "\"a", ">\"\""}) {
    CAPTURE(text);
    size_t taken = 0;
    std::vector<FieldFilter> ranges;
    CHECK(ParseFilter("f", text, text.size(), &taken, &ranges) != "");
    CHECK(ranges.empty());
  }
}

TEST_CASE("filters take the place of terms, and longer names win") {
  const std::vector<std::string> fields = {"a", "a.b", "dc:title", "x y"};
  const auto show = [&](const std::string& query) {
    std::string out;
    QueryProblems problems;
    for (const QueryToken& token : LexQuery(query, &problems, &fields)) {
      if (token.kind == QueryToken::Kind::kFilter) {
        out += "{" + std::string(token.text) + "}";
      } else if (token.kind == QueryToken::Kind::kWord) {
        out += "<" + std::string(token.text) + ">";
      } else if (token.kind == QueryToken::Kind::kNot) {
        out += "-";
      }
    }
    return out;
  };
  CHECK(show("a:1 b:2") == "{a:1}<b:2>");
  CHECK(show("-a:1 -(a.b:[1 TO 2] b)") == "-{a:1}-{a.b:[1 TO 2]}<b>");
  CHECK(show("dc:title:x") == "{dc:title:x}");
  CHECK(show("xa:1 a::1") == "<xa:1>{a::1}");
  CHECK(show("a:\"b c\"d") == "{a:\"b c\"}<d>");
  const QueryNode root = ParseQuery("w NEAR a:1", false, &fields)->root;
  CHECK(root.kind == QueryNode::Kind::kAnd);
  CHECK(root.children.size() == 2);
  std::string many;
  for (int i = 0; i < 65; ++i) many += "a:" + std::to_string(i) + " ";
  CHECK(ParseQuery(many, false, &fields)->root.children.size() == 64);
  CHECK_FALSE(ParseQuery(many, true, &fields).ok());
}

}  // namespace
}  // namespace libkv
