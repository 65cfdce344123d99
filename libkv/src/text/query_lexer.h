// Cuts a query into the tokens of its grammar (query_parser.h) and sees to the bounds, so that the
// parser meets balanced parentheses of bounded depth.
#ifndef LIBKV_SRC_TEXT_QUERY_LEXER_H_
#define LIBKV_SRC_TEXT_QUERY_LEXER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "libkv/find.h"

namespace libkv {

// What was found wrong: the first problem as an error, the first kQueryWarningsMax as warnings.
class QueryProblems {
 public:
  // "Byte 7: `what`; `remedy`."
  void Add(size_t offset, std::string_view what, std::string_view remedy);

  const absl::Status& first() const { return first_; }
  std::vector<std::string> TakeWarnings() { return std::move(warnings_); }

 private:
  absl::Status first_;  // by its place in the query
  size_t first_offset_ = 0;
  std::vector<std::string> warnings_;
};

struct QueryToken {
  enum class Kind : uint8_t {
    kWord,
    kPrefix,
    kFuzzy,
    kPhrase,
    kAll,
    kFilter,
    kOpen,
    kClose,
    kAnd,
    kOr,
    kNear,
    kNot,
    kPlus,
    kEnd
  };
  Kind kind = Kind::kEnd;
  size_t offset = 0;      // in the query
  std::string_view text;  // of words and phrases, without signs; lives as long as the query
  double boost = 1;       // of these and of kClose
  uint32_t distance = 0;  // of kPhrase, kNear and kFuzzy
  std::vector<FieldFilter> ranges = {};  // of kFilter
};

// The tokens of `query`, kEnd last. Every kOpen has its kClose, and at most kQueryDepthMax are open
// at once; words and the words of phrases are at most kQueryTermsMax, filters kFiltersMax.
// `fields` are the names that filters may have; null: there are no filters in the language.
std::vector<QueryToken> LexQuery(std::string_view query, QueryProblems* problems,
                                 const std::vector<std::string>* fields = nullptr);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_QUERY_LEXER_H_
