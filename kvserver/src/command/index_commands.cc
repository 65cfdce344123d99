// KV.*: fields that can be asked for, vectors as they are stored, and many keys at once.
#include <algorithm>
#include <string>
#include <utility>

#include "command/argument_reader.h"
#include "command/command.h"
#include "command/field_filters.h"
#include "command/keyspace.h"
#include "command/made_vectors.h"
#include "command/node.h"
#include "command/vector_argument.h"

namespace kvserver {
namespace {

void ReplyOk(Context& context, const absl::Status& status) {
  if (!status.ok()) return ReplyStatus(context, status);
  context.reply.Ok();
}

void Find(Context& context, Arguments arguments) {
  ArgumentReader reader(arguments.subspan(2));
  libkv::FindOptions options;
  while (reader.NextOption()) {
    if (reader.Is("PREFIX")) {
      options.prefix = reader.Bytes();
    } else if (reader.Is("FIELD")) {
      options.field = reader.Bytes();
    } else if (reader.Is("LIMIT")) {
      options.limit = reader.Count(0, libkv::kFindLimitMax);
    } else {
      reader.Unknown();
    }
  }
  if (!reader.ok()) return context.reply.Error(reader.error());
  const auto keys = context.node.store().FindByValue(options, arguments[1]);
  if (!keys.ok()) return ReplyStatus(context, keys.status());
  context.reply.BeginArray(keys->size());
  for (const std::string& key : *keys) context.reply.Value(key);
}

// The bounds of KV.QUERYINDEX; false: the option is another one.
bool ReadBounds(ArgumentReader& reader, libkv::FieldFilter& range) {
  bool is_same_kind = true;
  if (reader.Is("EQ")) {
    range.first = range.last = ParseFieldValue(reader.Bytes());
  } else if (reader.Is("MIN")) {
    is_same_kind = SetFirst(range, reader.Bytes());
  } else if (reader.Is("MAX")) {
    is_same_kind = SetLast(range, reader.Bytes());
  } else if (reader.Is("RANGE")) {
    is_same_kind = SetFirst(range, reader.Bytes());
    is_same_kind = SetLast(range, reader.Bytes()) && is_same_kind;
  } else {
    return false;
  }
  if (!is_same_kind) reader.Fail("the bounds must both be numbers, or both texts");
  return true;
}

void QueryIndex(Context& context, Arguments arguments) {
  ArgumentReader reader(arguments.subspan(2));
  libkv::FieldQuery query;
  query.field = arguments[1];
  libkv::FieldFilter range;
  while (reader.NextOption()) {
    if (ReadBounds(reader, range)) continue;
    if (reader.Is("PREFIX")) {
      query.prefix = reader.Bytes();
    } else if (reader.Is("DESC")) {
      query.descending = true;
    } else if (reader.Is("LIMIT")) {
      query.limit = reader.Count(0, libkv::kFindLimitMax);
    } else {
      reader.Unknown();
    }
  }
  if (range.after_first || range.before_last) {
    reader.Fail("bounds of KV.QUERYINDEX are included: '(' is for filters of a search");
  }
  if (!reader.ok()) return context.reply.Error(reader.error());
  CloseRange(range);
  query.first = range.first;
  query.last = range.last;
  const auto hits = context.node.store().QueryField(query);
  if (!hits.ok()) return ReplyStatus(context, hits.status());
  context.reply.BeginArray(hits->size());
  for (const libkv::FieldHit& hit : *hits) {
    context.reply.BeginMap(2);
    context.reply.Value("key");
    context.reply.Value(hit.key);
    context.reply.Value("value");
    ReplyFieldValue(context.reply, hit.value);
  }
}

// In a cluster the definition changes, on all nodes.
absl::Status CreateShared(Context& context, Arguments arguments) {
  SharedSpaces& spaces = *context.node.spaces();
  const std::string path(arguments[2]);
  const auto add = [&](SpaceDefinition& space) {
    const bool is_there =
        std::find(space.fields.begin(), space.fields.end(), path) != space.fields.end();
    if (!is_there) space.fields.push_back(path);
    return absl::OkStatus();
  };
  const absl::Status status = spaces.Redefine(arguments[1], add, SystemWriter(context));
  if (!absl::IsNotFound(status)) return status;
  SpaceDefinition space;
  space.prefix = arguments[1];
  space.fields = {path};
  return spaces.Define(std::move(space), SystemWriter(context));
}

absl::Status DropShared(Context& context, Arguments arguments) {
  const auto remove = [&](SpaceDefinition& space) {
    std::erase(space.fields, arguments[2]);
    return absl::OkStatus();
  };
  return context.node.spaces()->Redefine(arguments[1], remove, SystemWriter(context));
}

// Where no space has that prefix, one is made that has the field and nothing else.
void CreateIndex(Context& context, Arguments arguments) {
  libkv::Store& store = context.node.store();
  if (context.node.spaces() != nullptr) return ReplyOk(context, CreateShared(context, arguments));
  absl::Status status = store.CreateFieldIndex(arguments[1], arguments[2]);
  if (absl::IsNotFound(status)) {
    libkv::Space space;
    space.prefix = arguments[1];
    space.fields = {std::string(arguments[2])};
    status = store.DefineSpace(space);
  }
  ReplyOk(context, status);
}

void DropIndex(Context& context, Arguments arguments) {
  if (context.node.spaces() != nullptr) return ReplyOk(context, DropShared(context, arguments));
  ReplyOk(context, context.node.store().DropFieldIndex(arguments[1], arguments[2]));
}

void Train(Context& context, Arguments arguments) {
  ReplyOk(context, context.node.store().TrainEmbedder(arguments[1]));
}

void Embed(Context& context, Arguments arguments) {
  ArgumentReader reader(arguments.subspan(2));
  std::string_view prefix;
  auto kind = libkv::EmbedKind::kDocument;
  while (reader.NextOption()) {
    if (reader.Is("PREFIX")) {
      prefix = reader.Bytes();
    } else if (reader.Is("QUERY")) {
      kind = libkv::EmbedKind::kQuery;
    } else {
      reader.Unknown();
    }
  }
  if (!reader.ok()) return context.reply.Error(reader.error());
  std::vector<float> made;
  const auto is_made = EmbedQuestion(context, prefix, arguments[1], kind, &made);
  if (!is_made.ok()) return ReplyStatus(context, is_made.status());
  if (*is_made) return ReplyVector(context.reply, made);
  const auto vector = context.node.store().Embed(prefix, arguments[1], kind);
  if (!vector.ok()) return ReplyStatus(context, vector.status());
  ReplyVector(context.reply, *vector);
}

void GetVector(Context& context, Arguments arguments) {
  const auto vector = context.node.store().GetVector({}, arguments[1]);
  if (absl::IsNotFound(vector.status())) return context.reply.NullArray();
  if (!vector.ok()) return ReplyStatus(context, vector.status());
  ReplyVector(context.reply, *vector);
}

void BulkSet(Context& context, Arguments arguments) {
  const Arguments items = arguments.subspan(1);
  if (items.size() % 2 != 0) {
    return context.reply.Error("ERR every key needs a value: the last one has none");
  }
  size_t bytes = 0;
  for (size_t i = 0; i < items.size(); i += 2) {
    if (!CheckSizes(context, items[i], items[i + 1])) return;
    bytes += items[i].size() + items[i + 1].size();
  }
  if (bytes > libkv::kBatchBytesMax) {
    return context.reply.Error("ERR keys and values exceed the maximum of one batch (64 MiB)");
  }
  {
    KeyWriter writer(context);
    for (size_t i = 0; i < items.size(); i += 2) writer.Set(items[i], items[i + 1]);
  }
  context.reply.Integer(static_cast<int64_t>(items.size() / 2));
}

using P = Parameter;

constexpr P kPrefix = {.name = "prefix", .token = "PREFIX", .optional = true};
constexpr P kLimit = {.name = "limit", .type = P::kInteger, .token = "LIMIT", .optional = true};
constexpr P kSpacePrefix = {.name = "prefix"};

constexpr P kFindParameters[] = {
    {.name = "value"}, kPrefix, {.name = "field", .token = "FIELD", .optional = true}, kLimit};
constexpr P kQueryIndexParameters[] = {
    {.name = "path"},
    {.name = "value", .token = "EQ", .optional = true},
    {.name = "min", .token = "MIN", .optional = true},
    {.name = "max", .token = "MAX", .optional = true},
    kPrefix,
    {.name = "descending", .type = P::kFlag, .token = "DESC", .optional = true},
    kLimit};
constexpr P kIndexParameters[] = {kSpacePrefix, {.name = "path"}};
constexpr P kTrainParameters[] = {kSpacePrefix};
constexpr P kEmbedParameters[] = {
    {.name = "text"},
    kPrefix,
    {.name = "query", .type = P::kFlag, .token = "QUERY", .optional = true}};
constexpr P kKeyOnly[] = {{.name = "key", .type = P::kKey}};
constexpr P kItems[] = {{.name = "items", .type = P::kItems, .many = true}};

constexpr Command kCommands[] = {
    {.name = "kv.bulkset",
     .arity = -3,
     .flags = kWrite,
     .first_key = 1,
     .last_key = -1,
     .key_step = 2,
     .group = "index",
     .summary = "Set many keys, all or none",
     .parameters = kItems,
     .run = BulkSet},
    {.name = "kv.createindex",
     .arity = 3,
     .flags = kAdmin | kSlow | kLong | kNoMulti,
     .group = "index",
     .summary = "Make a field of JSON values one that can be asked for",
     .parameters = kIndexParameters,
     .run = CreateIndex},
    {.name = "kv.dropindex",
     .arity = 3,
     .flags = kAdmin | kSlow | kNoMulti,
     .group = "index",
     .summary = "Forget the index of a field",
     .parameters = kIndexParameters,
     .run = DropIndex},
    {.name = "kv.embed",
     .arity = -2,
     .flags = kReadOnly | kSlow | kNoMulti,
     .group = "index",
     .summary = "Make the vector of a text, by the embedder of a space",
     .parameters = kEmbedParameters,
     .run = Embed},
    {.name = "kv.find",
     .arity = -2,
     .flags = kReadOnly | kSlow | kNoMulti,
     .group = "index",
     .summary = "Find the keys with a value, or with a field that has it",
     .parameters = kFindParameters,
     .run = Find},
    {.name = "kv.getvector",
     .arity = 2,
     .flags = kReadOnly | kSlow | kNoMulti,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "index",
     .summary = "Get the vector of a key",
     .parameters = kKeyOnly,
     .run = GetVector},
    {.name = "kv.queryindex",
     .arity = -2,
     .flags = kReadOnly | kSlow | kNoMulti,
     .group = "index",
     .summary = "List keys by the values of a field, in their order",
     .parameters = kQueryIndexParameters,
     .run = QueryIndex},
    {.name = "kv.train",
     .arity = 2,
     .flags = kAdmin | kSlow | kLong | kNoMulti,
     .group = "index",
     .summary = "Learn the embedder of a space from its values, now",
     .parameters = kTrainParameters,
     .run = Train},
};

}  // namespace

std::span<const Command> IndexCommands() { return kCommands; }

}  // namespace kvserver
