// KV.*: search and similarity, by names of our own. Exact grammar: kvserver/doc/search_commands.md.
#include "command/command.h"
#include "command/search_verbs.h"

namespace kvserver {
namespace {

using P = Parameter;

constexpr P kQuery = {.name = "query"};
constexpr P kLimit = {.name = "limit", .type = P::kInteger, .token = "LIMIT", .optional = true};
constexpr P kOffset = {.name = "offset", .type = P::kInteger, .token = "OFFSET", .optional = true};
constexpr P kPrefix = {.name = "prefix", .token = "PREFIX", .optional = true};
constexpr P kFilters = {.name = "filters",
                        .type = P::kItems,
                        .token = "FIELD",
                        .optional = true,
                        .many = true,
                        .token_each = true};
constexpr P kMin = {.name = "min",
                    .type = P::kItems,
                    .token = "MIN",
                    .optional = true,
                    .many = true,
                    .token_each = true};
constexpr P kMax = {.name = "max",
                    .type = P::kItems,
                    .token = "MAX",
                    .optional = true,
                    .many = true,
                    .token_each = true};
constexpr P kExcerpts = {
    .name = "excerpts", .type = P::kInteger, .token = "EXCERPTS", .optional = true};
constexpr P kExcerptCount = {
    .name = "excerpt_count", .type = P::kInteger, .token = "EXCERPTCOUNT", .optional = true};
constexpr P kHtml = {.name = "html", .type = P::kFlag, .token = "HTML", .optional = true};
constexpr P kExplain = {.name = "explain", .type = P::kFlag, .token = "EXPLAIN", .optional = true};
constexpr P kTypos = {.name = "typos", .type = P::kFlag, .token = "TYPOS", .optional = true};
constexpr P kStrict = {.name = "strict", .type = P::kFlag, .token = "STRICT", .optional = true};
constexpr P kTimeout = {
    .name = "timeout_ms", .type = P::kInteger, .token = "TIMEOUT", .optional = true};
constexpr P kWithValues = {
    .name = "with_values", .type = P::kFlag, .token = "WITHVALUES", .optional = true};
constexpr P kRecall = {.name = "recall", .type = P::kNumber, .token = "RECALL", .optional = true};
constexpr P kExact = {.name = "exact", .type = P::kFlag, .token = "EXACT", .optional = true};
constexpr P kVector = {.name = "vector", .type = P::kVector, .optional = true};
constexpr P kRanking = {.name = "ranking", .token = "RANKING", .optional = true};
constexpr P kK1 = {.name = "k1", .type = P::kNumber, .token = "K1", .optional = true};
constexpr P kB = {.name = "b", .type = P::kNumber, .token = "B", .optional = true};
constexpr P kFeedback = {
    .name = "feedback", .type = P::kInteger, .token = "FEEDBACK", .optional = true};
constexpr P kCountUpTo = {
    .name = "count_up_to", .type = P::kInteger, .token = "COUNTUPTO", .optional = true};

constexpr P kSearchParameters[] = {
    kQuery,
    kLimit,
    kOffset,
    kPrefix,
    kFilters,
    kMin,
    kMax,
    {.name = "facets", .token = "FACET", .optional = true, .many = true, .token_each = true},
    {.name = "facet_limit", .type = P::kInteger, .token = "FACETLIMIT", .optional = true},
    {.name = "sort", .token = "SORT", .optional = true},
    {.name = "descending", .type = P::kFlag, .token = "DESC", .optional = true},
    kExcerpts,
    kExcerptCount,
    kHtml,
    kTypos,
    kStrict,
    kExplain,
    kWithValues,
    kTimeout,
    {.name = "after_key", .type = P::kKey, .token = "AFTERKEY", .optional = true},
    {.name = "after_score", .type = P::kNumber, .token = "AFTERSCORE", .optional = true},
    {.name = "after_value", .token = "AFTERVALUE", .optional = true},
    kRanking,
    kK1,
    kB,
    kFeedback,
    kCountUpTo,
};
constexpr P kSimilarParameters[] = {
    {.name = "text", .token = "TEXT", .optional = true},
    {.name = "key", .type = P::kKey, .token = "KEY", .optional = true},
    kLimit,
    kPrefix,
    kRecall,
    kExact,
    kFilters,
    kMin,
    kMax,
    {.name = "words", .token = "WORDS", .optional = true},
    kWithValues,
    kVector,
};
constexpr P kHybridParameters[] = {
    kQuery,
    kLimit,
    kOffset,
    kPrefix,
    {.name = "word_weight", .type = P::kNumber, .token = "WORDWEIGHT", .optional = true},
    {.name = "vector_weight", .type = P::kNumber, .token = "VECTORWEIGHT", .optional = true},
    {.name = "rrf", .type = P::kFlag, .token = "RRF", .optional = true},
    {.name = "rank_constant", .type = P::kNumber, .token = "RANKCONSTANT", .optional = true},
    {.name = "candidates", .type = P::kInteger, .token = "CANDIDATES", .optional = true},
    kRecall,
    kExact,
    kFilters,
    kMin,
    kMax,
    kExcerpts,
    kExcerptCount,
    kHtml,
    kTypos,
    kStrict,
    kExplain,
    kWithValues,
    kTimeout,
    kVector,
};
constexpr P kMoreLikeParameters[] = {
    {.name = "key", .type = P::kKey},
    kLimit,
    kPrefix,
    {.name = "terms", .type = P::kInteger, .token = "TERMS", .optional = true},
    kExplain,
    kWithValues};
constexpr P kSuggestParameters[] = {{.name = "text"}, kLimit, kPrefix};
constexpr P kExplainParameters[] = {
    kQuery, {.name = "key", .type = P::kKey}, kTypos, kStrict, kRanking, kK1, kB};

constexpr uint32_t kFlags = kReadOnly | kSlow | kNoMulti;

constexpr Command kCommands[] = {
    {.name = "kv.explain",
     .arity = -2,
     .flags = kFlags,
     .first_key = 2,
     .last_key = 2,
     .key_step = 1,
     .group = "search",
     .summary =
         "Explain the score that a query gives the value of a key; with a key alone, which nodes "
         "of the cluster have which writes of it",
     .parameters = kExplainParameters,
     .run = Explain},
    {.name = "kv.hybrid",
     .arity = -2,
     .flags = kFlags,
     .group = "search",
     .summary = "Find values by words and by vectors together",
     .parameters = kHybridParameters,
     .run = Hybrid},
    {.name = "kv.morelike",
     .arity = -2,
     .flags = kFlags,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "search",
     .summary = "Find values that share the most telling words with the value of a key",
     .parameters = kMoreLikeParameters,
     .run = MoreLike},
    {.name = "kv.search",
     .arity = -2,
     .flags = kFlags,
     .group = "search",
     .summary = "Find values by words and fields",
     .parameters = kSearchParameters,
     .run = Search},
    {.name = "kv.similar",
     .arity = -3,
     .flags = kFlags,
     .group = "search",
     .summary = "Find the values whose vectors are nearest to a text's, a key's or a given one",
     .parameters = kSimilarParameters,
     .run = Similar},
    {.name = "kv.suggest",
     .arity = -2,
     .flags = kFlags,
     .group = "search",
     .summary = "Complete the last word of a text with words that are stored",
     .parameters = kSuggestParameters,
     .run = Suggest},
};

}  // namespace

std::span<const Command> SearchCommands() { return kCommands; }

}  // namespace kvserver
