// Commands that delete everything.
#include <string>
#include <vector>

#include "command/arguments.h"
#include "command/command.h"
#include "command/key_walk.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/session.h"
#include "libkv/batch.h"

namespace kvserver {
namespace {

constexpr size_t kBatchKeysMax = 1'000;
constexpr size_t kTransactionKeysMax = 100'000;  // that a FLUSHALL within EXEC deletes

// Part of the transaction, which is one batch.
void FlushInTransaction(Context& context) {
  std::vector<std::string> keys;
  KeyWalk walk(context);
  for (; walk.Valid(); walk.Next()) {
    if (keys.size() == kTransactionKeysMax) {
      return context.reply.Error("ERR more than 100,000 keys: flush them outside of MULTI");
    }
    keys.emplace_back(walk.key());
  }
  if (!walk.status().ok()) return ReplyStatus(context, walk.status());
  KeyWriter writer(context);
  for (const std::string& key : keys) writer.Delete(key);
  context.reply.Ok();
}

// Nobody writes meanwhile. A crash in between leaves a part of the keys; so does an error.
absl::Status FlushStore(Context& context) {
  const std::unique_lock<std::mutex> writers_out = context.node.turns().Quiesce();
  KeyWalk walk(context);
  libkv::Batch batch;
  while (walk.Valid()) {
    batch.Delete(walk.key());
    context.node.watched_keys().Written(walk.key());
    walk.Next();
    if (batch.count() < kBatchKeysMax && walk.Valid()) continue;
    // The last one makes those before it durable too.
    const auto durability =
        walk.Valid() ? libkv::Durability::kBuffered : context.session.durability;
    const absl::Status status = context.node.store().Apply({.durability = durability}, batch);
    if (!status.ok()) return status;
    batch.Clear();
  }
  return walk.status();
}

void Flush(Context& context, Arguments arguments) {
  const bool is_right =
      arguments.size() == 1 ||
      (arguments.size() == 2 && (IsWord(arguments[1], "async") || IsWord(arguments[1], "sync")));
  if (!is_right) return ReplySyntaxError(context);
  if (context.session.writer != nullptr) return FlushInTransaction(context);
  const absl::Status status = FlushStore(context);
  if (!status.ok()) return ReplyStatus(context, status);
  context.reply.Ok();
}

constexpr Parameter kMode[] = {
    {.name = "async", .type = Parameter::kFlag, .token = "ASYNC", .optional = true},
    {.name = "sync", .type = Parameter::kFlag, .token = "SYNC", .optional = true}};

constexpr Command kCommands[] = {
    {.name = "flushall",
     .arity = -1,
     .flags = kWrite | kSlow,
     .group = "server",
     .summary = "Delete all keys; they are gone when the reply comes, with ASYNC too",
     .parameters = kMode,
     .run = Flush},
    {.name = "flushdb",
     .arity = -1,
     .flags = kWrite | kSlow,
     .group = "server",
     .summary = "Delete all keys; the same as FLUSHALL, as there is one database",
     .parameters = kMode,
     .run = Flush},
};

}  // namespace

std::span<const Command> FlushCommands() { return kCommands; }

}  // namespace kvserver
