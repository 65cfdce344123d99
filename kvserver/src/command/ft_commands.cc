// FT.*: the reply shapes of RediSearch over our spaces and our query language. An index is the
// prefix of a space; "" and "*" are all of them.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/json_members.h"
#include "base/numbers.h"
#include "command/argument_reader.h"
#include "command/command.h"
#include "command/hit_reply.h"
#include "command/keyspace.h"
#include "command/node.h"

namespace kvserver {
namespace {

constexpr size_t kReturnedFieldsMax = 256;
constexpr size_t kBytesPerWord = 7;  // of SUMMARIZE's LEN
constexpr size_t kSummaryWords = 20, kSummaryWordsMax = 1'000;
constexpr size_t kSummaryFragments = 3;
constexpr size_t kHighlightBytes = 4'096;  // HIGHLIGHT without SUMMARIZE
constexpr int64_t kTimeLimitMsMax = 3'600'000;

std::string_view PrefixOf(std::string_view index) { return index == "*" ? "" : index; }
std::string_view IndexOf(std::string_view prefix) { return prefix.empty() ? "*" : prefix; }

bool CheckIndex(Context& context, std::string_view index) {
  const std::string_view prefix = PrefixOf(index);
  const auto space = context.node.store().SpaceOf(prefix);
  if (prefix.empty() || (space && space->prefix == prefix)) return true;
  context.reply.Error("ERR " + Quoted(index) +
                      ": no such index. An index is the prefix of a space: see FT._LIST");
  return false;
}

// -- FT.SEARCH ------------------------------------------------------------------------------------

struct FtSearch {
  libkv::SearchOptions options;
  bool has_content = true, with_scores = false, with_excerpt = false;
  std::string open, close;  // around the words that were found
  std::string separator = "... ";
  struct Returned {
    std::string field, name;
  };
  bool has_return = false;
  std::vector<Returned> returned;
};

// FIELDS n name...: ours are of the whole text.
void SkipFields(ArgumentReader& reader) {
  const size_t count = reader.Count(0, kReturnedFieldsMax);
  for (size_t i = 0; i < count; ++i) reader.Bytes();
}

void ReadHighlight(ArgumentReader& reader, FtSearch& search) {
  if (reader.TakeWord("FIELDS")) SkipFields(reader);
  search.open = "<b>";
  search.close = "</b>";
  if (reader.TakeWord("TAGS")) {
    search.open = reader.Bytes();
    search.close = reader.Bytes();
  }
  search.with_excerpt = true;
  if (search.options.excerpt_bytes == 0) search.options.excerpt_bytes = kHighlightBytes;
}

void ReadSummarize(ArgumentReader& reader, FtSearch& search) {
  if (reader.TakeWord("FIELDS")) SkipFields(reader);
  search.options.excerpt_count = kSummaryFragments;
  if (reader.TakeWord("FRAGS")) {
    search.options.excerpt_count = reader.Count(1, libkv::kExcerptCountMax);
  }
  size_t words = kSummaryWords;
  if (reader.TakeWord("LEN")) words = reader.Count(1, kSummaryWordsMax);
  if (reader.TakeWord("SEPARATOR")) search.separator = reader.Bytes();
  search.options.excerpt_bytes = words * kBytesPerWord;
  search.with_excerpt = true;
}

void ReadReturn(ArgumentReader& reader, FtSearch& search) {
  const size_t count = reader.Count(0, kReturnedFieldsMax);
  search.has_return = true;
  // The count is of words, AS and the names included.
  for (size_t i = 0; i < count && reader.ok(); ++i) {
    std::string field(reader.Bytes());
    if (field.starts_with("$.")) field.erase(0, 2);
    std::string name = field;
    if (i + 2 < count && reader.TakeWord("AS")) {
      name = reader.Bytes();
      i += 2;
    }
    search.returned.push_back({std::move(field), std::move(name)});
  }
}

bool ReadOption(ArgumentReader& reader, FtSearch& search) {
  libkv::SearchOptions& options = search.options;
  if (reader.Is("NOCONTENT")) {
    search.has_content = false;
  } else if (reader.Is("WITHSCORES")) {
    search.with_scores = true;
  } else if (reader.Is("LIMIT")) {
    options.offset = reader.Count(0, libkv::kSearchLimitMax);
    options.limit = reader.Count(0, libkv::kSearchLimitMax);
  } else if (reader.Is("HIGHLIGHT")) {
    ReadHighlight(reader, search);
  } else if (reader.Is("SUMMARIZE")) {
    ReadSummarize(reader, search);
  } else if (reader.Is("SORTBY")) {
    options.sort.field = reader.Bytes();
    options.sort.descending = reader.TakeWord("DESC");
    if (!options.sort.descending) reader.TakeWord("ASC");
  } else if (reader.Is("RETURN")) {
    ReadReturn(reader, search);
  } else if (reader.Is("TIMEOUT")) {
    options.time_limit = std::chrono::milliseconds(reader.Integer(0, kTimeLimitMsMax));
  } else if (reader.Is("DIALECT")) {
    reader.Count(1, 4);
  } else {
    return false;
  }
  return true;
}

// One text of the excerpts, with the tags around the words.
std::string TaggedText(const FtSearch& search, const std::vector<libkv::Excerpt>& excerpts) {
  std::string out;
  for (const libkv::Excerpt& excerpt : excerpts) {
    if (!out.empty()) out += search.separator;
    size_t at = 0;
    for (const libkv::Excerpt::Highlight& highlight : excerpt.highlights) {
      out.append(excerpt.text, at, highlight.begin - at);
      out += search.open;
      out.append(excerpt.text, highlight.begin, highlight.end - highlight.begin);
      out += search.close;
      at = highlight.end;
    }
    out.append(excerpt.text, at);
  }
  return out;
}

// The members of a JSON object; any other value as the field "value".
std::vector<JsonMember> FieldsOf(std::string_view value) {
  if (auto members = JsonMembers(value)) return *std::move(members);
  return {{.name = "value", .value = std::string(value)}};
}

std::vector<JsonMember> Chosen(const FtSearch& search, std::vector<JsonMember> fields) {
  if (!search.has_return) return fields;
  std::vector<JsonMember> chosen;
  for (const FtSearch::Returned& wanted : search.returned) {
    const auto field = std::find_if(fields.begin(), fields.end(), [&](const JsonMember& one) {
      return one.name == wanted.field;
    });
    if (field != fields.end()) chosen.push_back({wanted.name, field->value});
  }
  return chosen;
}

// Reads values up to a bound of bytes for the whole reply; beyond, hits have no fields.
class FieldWriter {
 public:
  FieldWriter(Context& context, const FtSearch& search) : context_(context), search_(search) {}

  void Write(const libkv::Hit& hit) {
    std::vector<JsonMember> fields;
    static_cast<void>(
        context_.node.store().View({.snapshot = search_.options.snapshot, .fill_cache = true},
                                   hit.key, [&](std::string_view value) {
                                     bytes_ += value.size();
                                     if (bytes_ <= kReplyValueBytesMax) fields = FieldsOf(value);
                                   }));
    if (search_.with_excerpt) {
      fields.insert(fields.begin(), {"excerpt", TaggedText(search_, hit.excerpts)});
    }
    fields = Chosen(search_, std::move(fields));
    context_.reply.BeginArray(2 * fields.size());
    for (const JsonMember& field : fields) {
      context_.reply.Value(field.name);
      context_.reply.Value(field.value);
    }
  }

 private:
  Context& context_;
  const FtSearch& search_;
  size_t bytes_ = 0;
};

void Search(Context& context, Arguments arguments) {
  ArgumentReader reader(arguments.subspan(3));
  FtSearch search;
  while (reader.NextOption()) {
    if (!ReadOption(reader, search)) reader.Unknown();
  }
  if (!reader.ok()) return context.reply.Error(reader.error());
  if (!CheckIndex(context, arguments[1])) return;
  search.has_content = search.has_content && !(search.has_return && search.returned.empty());
  libkv::Store& store = context.node.store();
  search.options.prefix = PrefixOf(arguments[1]);
  search.options.snapshot = store.GetSnapshot();
  if (!search.has_content) search.options.excerpt_bytes = 0;
  if (search.options.limit == 0) search.options.count_up_to = libkv::kCountAll;  // asks only that
  const auto result = store.Search(search.options, arguments[2]);
  if (!result.ok()) return ReplyStatus(context, result.status());
  const size_t per_hit = 1 + size_t{search.with_scores} + size_t{search.has_content};
  ReplyWriter& reply = context.reply;
  reply.BeginArray(1 + per_hit * result->hits.size());
  reply.Integer(static_cast<int64_t>(result->total));
  FieldWriter fields(context, search);
  for (const libkv::Hit& hit : result->hits) {
    reply.Value(hit.key);
    if (search.with_scores) reply.Value(DoubleText(hit.score));
    if (search.has_content) fields.Write(hit);
  }
}

// -- FT.INFO, FT._LIST ----------------------------------------------------------------------------

void ReplyAttribute(ReplyWriter& reply, std::string_view name, std::string_view type) {
  reply.BeginArray(6);
  reply.Value("identifier");
  reply.Value(name);
  reply.Value("attribute");
  reply.Value(name);
  reply.Value("type");
  reply.Value(type);
}

void ReplyAttributes(ReplyWriter& reply, const libkv::Space& space, uint32_t dimension) {
  const size_t texts = space.text ? std::max<size_t>(1, space.text_fields.size()) : 0;
  reply.BeginArray(texts + space.fields.size() + size_t{dimension != 0});
  if (space.text && space.text_fields.empty()) ReplyAttribute(reply, "value", "TEXT");
  for (const std::string& field : space.text ? space.text_fields : std::vector<std::string>()) {
    ReplyAttribute(reply, field, "TEXT");
  }
  for (const std::string& field : space.fields) ReplyAttribute(reply, field, "TAG");
  if (dimension != 0) ReplyAttribute(reply, "vector", "VECTOR");
}

void Info(Context& context, Arguments arguments) {
  if (!CheckIndex(context, arguments[1])) return;
  const std::string_view prefix = PrefixOf(arguments[1]);
  libkv::Store& store = context.node.store();
  libkv::Space space = store.SpaceOf(prefix).value_or(libkv::Space());
  libkv::SpaceStats sum;
  for (const libkv::SpaceStats& stats : store.Stats().spaces) {
    if (!prefix.empty() && stats.prefix != prefix) continue;
    sum.documents += stats.documents;
    sum.terms += stats.terms;
    sum.vectors += stats.vectors;
    sum.index_bytes += stats.index_bytes;
    sum.vector_bytes += stats.vector_bytes;
    if (stats.prefix == prefix) sum.dimension = stats.dimension;
  }
  ReplyWriter& reply = context.reply;
  reply.BeginMap(9);
  reply.Value("index_name");
  reply.Value(IndexOf(prefix));
  reply.Value("index_options");
  reply.BeginArray(0);
  reply.Value("index_definition");
  reply.BeginArray(4);
  reply.Value("key_type");
  reply.Value("JSON");
  reply.Value("prefixes");
  reply.BeginArray(1);
  reply.Value(prefix);
  reply.Value("attributes");
  ReplyAttributes(reply, space, sum.dimension);
  const std::pair<std::string_view, uint64_t> counts[] = {
      {"num_docs", std::max(sum.documents, sum.vectors)},
      {"num_terms", sum.terms},
      {"inverted_index_bytes", sum.index_bytes},
      {"vector_index_bytes", sum.vector_bytes},
      {"indexing", 0}};
  for (const auto& [name, count] : counts) {
    reply.Value(name);
    reply.Integer(static_cast<int64_t>(count));
  }
}

void List(Context& context, Arguments /*arguments*/) {
  const std::vector<libkv::Space> spaces = context.node.store().Spaces();
  context.reply.BeginSet(spaces.size());
  for (const libkv::Space& space : spaces) context.reply.Value(IndexOf(space.prefix));
}

void Refuse(Context& context, Arguments /*arguments*/) {
  context.reply.Error(
      "ERR indexes are spaces here: KV.SPACE DEFINE prefix TEXT makes one, KV.SPACE DROP prefix "
      "removes it, KV.CREATEINDEX adds a field, and KV.SEARCH counts facets and sorts");
}

using P = Parameter;

constexpr P kIndex = {.name = "index"};
constexpr P kSearchParameters[] = {
    kIndex,
    {.name = "query"},
    {.name = "no_content", .type = P::kFlag, .token = "NOCONTENT", .optional = true},
    {.name = "with_scores", .type = P::kFlag, .token = "WITHSCORES", .optional = true},
    {.name = "sort_by", .token = "SORTBY", .optional = true},
    {.name = "summarize", .type = P::kFlag, .token = "SUMMARIZE", .optional = true},
    {.name = "highlight", .type = P::kFlag, .token = "HIGHLIGHT", .optional = true},
    {.name = "timeout_ms", .type = P::kInteger, .token = "TIMEOUT", .optional = true},
    {.name = "dialect", .type = P::kInteger, .token = "DIALECT", .optional = true},
};
constexpr P kInfoParameters[] = {kIndex};

constexpr Command Refused(std::string_view name) {
  return {.name = name,
          .arity = -1,
          .flags = kAdmin | kFast | kNoMulti,
          .group = "ft",
          .summary = "Not supported: says what to use",
          .run = Refuse};
}

constexpr Command kCommands[] = {
    {.name = "ft._list",
     .arity = 1,
     .flags = kReadOnly | kSlow | kNoMulti,
     .group = "ft",
     .summary = "List the indexes: the prefixes of the spaces",
     .run = List},
    Refused("ft.aggregate"),
    Refused("ft.alter"),
    Refused("ft.create"),
    Refused("ft.drop"),
    Refused("ft.dropindex"),
    {.name = "ft.info",
     .arity = 2,
     .flags = kReadOnly | kSlow | kNoMulti,
     .group = "ft",
     .summary = "What an index holds",
     .parameters = kInfoParameters,
     .run = Info},
    {.name = "ft.search",
     .arity = -3,
     .flags = kReadOnly | kSlow | kNoMulti,
     .group = "ft",
     .summary = "Search, with the reply of RediSearch",
     .parameters = kSearchParameters,
     .run = Search},
};

}  // namespace

std::span<const Command> FtCommands() { return kCommands; }

}  // namespace kvserver
