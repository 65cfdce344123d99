// The parser of the query language. The language is described for its users in
// libkv/doc/query_language.md; its grammar is
//
//   query   := or                                  unary  := ["-" | "NOT" | "+"] near
//   or      := and { ("OR" | "|") and }            near   := boosted [ "NEAR" ["/" n] boosted ]
//   and     := unary { ["AND" | "&"] unary }       boosted := primary ["^" number]
//   primary := "(" or ")" | filter | phrase | word | "*"
//   phrase  := '"' text '"' ["~" n]                word   := text ["*" | "~" | "~1" | "~2"]
//   filter  := field ":" (see filter_syntax.h)
//
// Keywords count in capitals only. '-' and '+' are operators at the start of a term and directly
// before something. A word ends at white space, '(', ')', '"' and '|'. The operands of NEAR are
// words and phrases; '^' and '~' follow directly.
#ifndef LIBKV_SRC_TEXT_QUERY_PARSER_H_
#define LIBKV_SRC_TEXT_QUERY_PARSER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "text/query.h"

namespace libkv {

struct ParsedQuery {
  QueryNode root;
  std::vector<std::string> warnings;  // one sentence each, at most kQueryWarningsMax
};

// Lenient (not `strict`): never fails. Quotes and parentheses without a partner are closed at the
// end or ignored, operators without an operand are ignored, numbers out of their range are taken as
// text, what is beyond the bounds is left out, each with a warning; a query that only says what to
// leave out matches nothing. Strict: InvalidArgument for all of these, with the byte offset of the
// first. `fields` as in LexQuery.
absl::StatusOr<ParsedQuery> ParseQuery(std::string_view query, bool strict,
                                       const std::vector<std::string>* fields = nullptr);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_QUERY_PARSER_H_
