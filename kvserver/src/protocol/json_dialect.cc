#include "protocol/json_dialect.h"

#include <algorithm>

#include "protocol/json_shapes.h"

namespace kvserver {
namespace {

using Rename = JsonVerb::Rename;
constexpr auto kString = JsonField::kString;

// Line JSON.

constexpr Rename kAmount[] = {{"amount", "increment"}};
constexpr Rename kTopK[] = {{"top_k", "limit"}};
constexpr Rename kTopKOfText[] = {{"query", "text"}, {"top_k", "limit"}};
constexpr Rename kFieldAsPath[] = {{"field", "path"}};
constexpr JsonField kEveryKey[] = {{kString, "prefix", ""}};

constexpr Rename kCondition[] = {{"if_ctx", "if_version"}};

constexpr JsonVerb kLineVerbs[] = {
    {.name = "BULK_SET", .command = "kv.bulkset"},
    {.name = "CREATE_INDEX",
     .command = "kv.createindex",
     .renames = kFieldAsPath,
     .constants = kEveryKey},
    {.name = "DEL", .command = "kv.delx", .needs = "ctx"},
    {.name = "DEL", .command = "kv.delx", .renames = kCondition, .needs = "if_ctx"},
    {.name = "DELETE", .command = "kv.delx", .needs = "ctx"},
    {.name = "DELETE", .command = "kv.delx", .renames = kCondition, .needs = "if_ctx"},
    {.name = "DELETE", .command = "del"},
    {.name = "INCR", .command = "incrby", .renames = kAmount, .needs = "amount"},
    {.name = "METADATA", .command = "kv.metadata"},
    {.name = "QUERY_INDEX",
     .command = "kv.queryindex",
     .renames = kFieldAsPath,
     .shape = EntriesAsKeys},
    {.name = "SEARCH", .command = "kv.search", .renames = kTopK, .shape = HitsAsList},
    {.name = "SEARCH_FULLTEXT", .command = "kv.search", .renames = kTopK, .shape = HitsAsList},
    {.name = "SEARCH_VALUE", .command = "kv.find"},
    {.name = "SEMANTIC_SEARCH",
     .command = "kv.similar",
     .renames = kTopKOfText,
     .shape = HitsAsSimilarities},
    {.name = "SET", .command = "kv.setx", .renames = kCondition, .needs = "ctx"},
    {.name = "SET", .command = "kv.setx", .renames = kCondition, .needs = "if_ctx"},
};

// Framed JSON.

constexpr JsonField kExcerpts[] = {{JsonField::kNumber, "excerpts", "160"},
                                   {JsonField::kBool, "html", "true"}};
constexpr Rename kVal[] = {{"val", "value"}, {"val_b64", "value_b64"}};
constexpr Rename kValAndCondition[] = {
    {"val", "value"}, {"val_b64", "value_b64"}, {"if_ctx", "if_version"}, {"px", "ttl_ms"}};
constexpr Rename kData[] = {{"data", "items"}};
constexpr Rename kK[] = {{"k", "limit"}};
constexpr Rename kKOfText[] = {{"query", "text"}, {"value", "text"}, {"k", "limit"}};
constexpr Rename kValueAsText[] = {{"value", "text"}};

constexpr JsonVerb kFramedVerbs[] = {
    {.name = "BULK", .command = "kv.bulkset", .renames = kData},
    {.name = "DEL", .command = "kv.delx", .needs = "ctx"},
    {.name = "DEL", .command = "kv.delx", .renames = kCondition, .needs = "if_ctx"},
    {.name = "EMBED_VALUE",
     .command = "kv.embed",
     .renames = kValueAsText,
     .result_name = "embedding"},
    {.name = "GET",
     .command = "kv.getx",
     .command_in_multi = "get",
     .result_name = "val",
     .shape = ValueAndMeta},
    {.name = "SEARCH",
     .command = "kv.search",
     .renames = kK,
     .constants = kExcerpts,
     .shape = HitsAsColumns},
    {.name = "SET", .command = "kv.setx", .renames = kValAndCondition, .needs = "ctx"},
    {.name = "SET", .command = "kv.setx", .renames = kValAndCondition, .needs = "if_ctx"},
    {.name = "SET", .command = "set", .renames = kVal},
    {.name = "SIMILAR", .command = "kv.similar", .renames = kKOfText, .shape = HitsAsColumns},
};

bool EqualsInCapitals(std::string_view capitals, std::string_view name) {
  return std::equal(capitals.begin(), capitals.end(), name.begin(), name.end(), [](char a, char b) {
    return a == (b >= 'a' && b <= 'z' ? static_cast<char>(b - 'a' + 'A') : b);
  });
}

}  // namespace

const JsonDialect& LineDialect() {
  static constexpr JsonDialect kDialect = {.protocol = "json",
                                           .command_member = "command",
                                           .framing = JsonWriter::Framing::kLine,
                                           .verbs = kLineVerbs};
  return kDialect;
}

const JsonDialect& FramedDialect() {
  static constexpr JsonDialect kDialect = {.protocol = "frame",
                                           .command_member = "cmd",
                                           .framing = JsonWriter::Framing::kLength,
                                           .verbs = kFramedVerbs};
  return kDialect;
}

const JsonVerb* FindVerb(const JsonDialect& dialect, std::string_view name,
                         const std::vector<JsonField>& members) {
  for (const JsonVerb& verb : dialect.verbs) {
    if (!EqualsInCapitals(verb.name, name)) continue;
    const bool fits = verb.needs.empty() ||
                      std::any_of(members.begin(), members.end(), [&](const JsonField& member) {
                        return member.name == verb.needs;
                      });
    if (fits) return &verb;
  }
  return nullptr;
}

}  // namespace kvserver
