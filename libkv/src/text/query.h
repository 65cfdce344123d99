// A query as a tree: what the parser makes of the user's words and what a SearchPlan is made of.
#ifndef LIBKV_SRC_TEXT_QUERY_H_
#define LIBKV_SRC_TEXT_QUERY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace libkv {

// Bounds of one query. A lenient query is cut to them, a strict one refused.
inline constexpr size_t kQueryBytesMax = 64 << 10;
inline constexpr size_t kQueryTermsMax = 1'024;  // words, those within phrases included
inline constexpr size_t kQueryDepthMax = 64;     // parentheses within parentheses
inline constexpr size_t kQueryWarningsMax = 8;

// The parser keeps trees in this shape, and whoever builds one by hand must too: kAnd has at least
// two children, one of them not kNot; kOr has at least two, none kNot; kNot has one, neither kNot
// nor the root; kNothing stands alone. At most 3 * kQueryDepthMax + 4 levels.
struct QueryNode {
  enum class Kind : uint8_t { kNothing, kWord, kPhrase, kAnd, kOr, kNot };
  Kind kind = Kind::kNothing;
  std::string text;                 // kWord, kPhrase: as written, not analyzed
  std::vector<QueryNode> children;  // kAnd, kOr, kNot

  bool operator==(const QueryNode&) const = default;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_QUERY_H_
