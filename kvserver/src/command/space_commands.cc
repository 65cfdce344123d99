// KV.SPACE: which keys are indexed, and how.
#include <algorithm>
#include <map>
#include <string>

#include "command/argument_reader.h"
#include "command/command.h"
#include "command/help.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/space_figures.h"
#include "command/space_text.h"

namespace kvserver {
namespace {

// By prefix. In a cluster what it has agreed on, else what the store has.
std::map<std::string, std::string> Definitions(Context& context) {
  std::map<std::string, std::string> texts;
  for (const libkv::Space& space : context.node.store().Spaces()) {
    texts[space.prefix] = SpaceText(space);
  }
  if (context.node.spaces() == nullptr) return texts;
  for (const SpaceDefinition& space : context.node.spaces()->definitions()) {
    texts[space.prefix] = SpaceText(space);
  }
  return texts;
}

void List(Context& context, Arguments /*arguments*/) {
  const std::map<std::string, std::string> texts = Definitions(context);
  context.reply.BeginArray(texts.size());
  for (const auto& [prefix, text] : texts) {
    context.reply.BeginMap(2);
    context.reply.Value("prefix");
    context.reply.Value(prefix);
    context.reply.Value("definition");
    context.reply.Value(text);
  }
}

absl::Status DefineAlone(libkv::Store& store, const SpaceDefinition& space) {
  if (!space.conflict.empty()) {
    return absl::InvalidArgumentError(
        "conflict is of clusters: a node that runs alone has no siblings");
  }
  return store.DefineSpace(space);
}

void Define(Context& context, Arguments arguments) {
  ArgumentReader reader(arguments.subspan(3));
  SpaceDefinition space;
  space.prefix = arguments[2];
  while (reader.NextOption()) {
    const SpaceOption kind = SpaceOptionOf(reader.option());
    if (kind == SpaceOption::kUnknown) {
      reader.Unknown();
      break;
    }
    const std::string_view option = reader.option();
    const std::string_view value = kind == SpaceOption::kValued ? reader.Bytes() : "";
    if (!reader.ok()) break;
    const absl::Status status = SetSpaceOption(space, option, value);
    if (!status.ok()) reader.Fail(std::string(status.message()));
  }
  if (!reader.ok()) return context.reply.Error(reader.error());
  const absl::Status status =
      context.node.spaces() == nullptr
          ? DefineAlone(context.node.store(), space)
          : context.node.spaces()->Define(std::move(space), SystemWriter(context));
  if (!status.ok()) return ReplyStatus(context, status);
  context.reply.Ok();
}

void Drop(Context& context, Arguments arguments) {
  const absl::Status status =
      context.node.spaces() == nullptr
          ? context.node.store().DropSpace(arguments[2])
          : context.node.spaces()->Drop(arguments[2], SystemWriter(context));
  if (!status.ok()) return ReplyStatus(context, status);
  context.reply.Ok();
}

void Info(Context& context, Arguments arguments) {
  libkv::Store& store = context.node.store();
  const auto space = store.SpaceOf(arguments[2]);
  const libkv::StoreStats all = store.Stats();
  const auto stats =
      std::find_if(all.spaces.begin(), all.spaces.end(),
                   [&](const libkv::SpaceStats& one) { return one.prefix == arguments[2]; });
  if (!space || space->prefix != arguments[2] || stats == all.spaces.end()) {
    return context.reply.Error("NOTFOUND no space has the prefix " + QuotedWord(arguments[2]));
  }
  ReplyWriter& reply = context.reply;
  reply.BeginMap(14 + kSpaceFigures);
  reply.Value("prefix");
  reply.Value(stats->prefix);
  reply.Value("definition");
  reply.Value(Definitions(context)[space->prefix]);
  reply.Value("embedder");
  if (stats->embedder.empty()) {
    reply.Null();
  } else {
    reply.Value(stats->embedder);
  }
  ReplyField(reply, "dimension", stats->dimension);
  ReplySpaceFigures(reply, *stats);
  ReplyField(reply, "recall_age", stats->recall_age);
  ReplyField(reply, "pending_vectors", stats->pending_vectors);
  ReplyField(reply, "refused_vectors", stats->refused_vectors);
  reply.Value("embedder_error");
  reply.Value(stats->embedder_error);
  ReplyField(reply, "learnt_from", stats->learnt_from);
  ReplyField(reply, "is_learning", stats->is_learning ? 1 : 0);
  reply.Value("learning_progress");
  reply.Double(stats->learning_progress);
  reply.Value("learning_error");
  reply.Value(stats->learning_error);
  ReplyField(reply, "reembedded", stats->reembedded);
  ReplyField(reply, "reembed_total", stats->reembed_total);
}

using P = Parameter;

constexpr P kPrefix[] = {{.name = "prefix"}};
constexpr P kDefineParameters[] = {
    {.name = "prefix"},
    {.name = "text", .type = P::kFlag, .token = "TEXT", .optional = true},
    {.name = "analyzer", .token = "ANALYZER", .optional = true},
    {.name = "text_fields",
     .token = "TEXTFIELDS",
     .optional = true,
     .many = true,
     .token_each = true},
    {.name = "dimension", .type = P::kInteger, .token = "DIMENSION", .optional = true},
    {.name = "metric", .token = "METRIC", .optional = true},
    {.name = "precision", .token = "PRECISION", .optional = true},
    {.name = "memory", .token = "MEMORY", .optional = true},
    {.name = "embedder", .token = "EMBEDDER", .optional = true},
    {.name = "deferred", .type = P::kFlag, .token = "DEFERRED", .optional = true},
    {.name = "learn", .type = P::kFlag, .token = "LEARN", .optional = true},
    {.name = "values", .type = P::kFlag, .token = "VALUES", .optional = true},
    {.name = "fields", .token = "FIELDS", .optional = true, .many = true, .token_each = true},
    {.name = "conflict", .token = "CONFLICT", .optional = true},
};

constexpr uint32_t kChange = kAdmin | kSlow | kNoMulti;

constexpr Command kCommands[] = {
    {.name = "kv.space",
     .arity = -2,
     .flags = kAdmin,
     .group = "space",
     .summary = "Which keys are indexed, and how"},
    {.name = "kv.space|define",
     .arity = -4,
     .flags = kChange | kLong,
     .group = "space",
     .summary = "Index the values whose keys begin with a prefix",
     .parameters = kDefineParameters,
     .run = Define},
    {.name = "kv.space|drop",
     .arity = 3,
     .flags = kChange,
     .group = "space",
     .summary = "Remove the indexes of a space; the values stay",
     .parameters = kPrefix,
     .run = Drop},
    {.name = "kv.space|help",
     .arity = 2,
     .flags = kFast,
     .group = "space",
     .summary = "Print this help",
     .run = Help},
    {.name = "kv.space|info",
     .arity = 3,
     .flags = kReadOnly | kSlow | kNoMulti,
     .group = "space",
     .summary = "What a space holds, and how far its upkeep is",
     .parameters = kPrefix,
     .run = Info},
    {.name = "kv.space|list",
     .arity = 2,
     .flags = kReadOnly | kSlow | kNoMulti,
     .group = "space",
     .summary = "List the spaces and their definitions",
     .run = List},
};

}  // namespace

std::span<const Command> SpaceCommands() { return kCommands; }

}  // namespace kvserver
