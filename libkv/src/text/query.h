// A query as a tree: what the parser makes of the user's words and what a SearchPlan is made of.
#ifndef LIBKV_SRC_TEXT_QUERY_H_
#define LIBKV_SRC_TEXT_QUERY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "libkv/find.h"

namespace libkv {

// Bounds of one query. A lenient query is cut to them, a strict one refused.
inline constexpr size_t kQueryBytesMax = 64 << 10;
inline constexpr size_t kQueryTermsMax = 1'024;  // words, those within phrases included
inline constexpr size_t kQueryDepthMax = 64;     // parentheses within parentheses
inline constexpr size_t kQueryWarningsMax = 8;
inline constexpr size_t kQueryLevelsMax = 3 * kQueryDepthMax + 5;  // of a tree

inline constexpr double kBoostMax = 1'000;        // of one term or group
inline constexpr uint32_t kPhraseSlopMax = 50;    // words more than the phrase has
inline constexpr uint32_t kNearDistanceMax = 50;  // words between two that are near
inline constexpr uint32_t kNearDistanceDefault = 8;
inline constexpr uint32_t kEditsMax = 2;  // between a word and a fuzzy one

// The parser keeps trees in this shape, and whoever builds one by hand must too: kAnd has at least
// two children, one of them not kNot; kOr has at least two, none kNot; kNot has one, neither kNot
// nor the root; kNear has two of kWord, kPhrase, kPrefix and kFuzzy; kNothing stands alone. At most
// kQueryLevelsMax levels.
struct QueryNode {
  enum class Kind : uint8_t {
    kNothing,
    kWord,
    kPhrase,
    kAnd,
    kOr,
    kNot,
    kAll,     // every document with words
    kNear,    // both, with at most `distance` words between them
    kPrefix,  // words that begin like this
    kFuzzy,   // words at most `distance` edits away
    kFilter,  // values of a field, in one of `ranges`; scores nothing beside words
  };
  Kind kind = Kind::kNothing;
  std::string text;                 // of words, phrases and filters: as written, not analyzed
  std::vector<QueryNode> children;  // kAnd, kOr, kNot, kNear
  double boost = 1;                 // above 0; multiplies the score of what is below
  // kPhrase: how many words may come in between, in all. kNear, kFuzzy: see there; 0 of kFuzzy: as
  // many as typos get.
  uint32_t distance = 0;
  std::vector<FieldFilter> ranges = {};  // kFilter: at least one, all of one field

  bool operator==(const QueryNode&) const = default;
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_QUERY_H_
