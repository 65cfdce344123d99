// MULTI, EXEC and WATCH: the requests between MULTI and EXEC become one batch, stored whole or not
// at all, and nobody writes in between.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "command/command.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/session.h"
#include "command/table.h"
#include "command/transaction.h"

namespace kvserver {
namespace {

void EndMulti(Session& session) {
  session.in_multi = false;
  session.multi_failed = false;
  session.queued.clear();
  session.queued_bytes = 0;
}

void Multi(Context& context, Arguments /*arguments*/) {
  if (context.session.in_multi) return context.reply.Error("ERR MULTI calls can not be nested");
  context.session.in_multi = true;
  context.reply.Ok();
}

void Exec(Context& context, Arguments /*arguments*/) {
  Session& session = context.session;
  if (!session.in_multi) return context.reply.Error("ERR EXEC without MULTI");
  if (session.multi_failed) {
    EndMulti(session);
    UnwatchAll(context.node, session);
    return context.reply.Error("EXECABORT Transaction discarded because of previous errors.");
  }
  const std::vector<OwnedRequest> requests = std::exchange(session.queued, {});
  EndMulti(session);

  // From here on nobody writes: what was not written until now will not be before the end.
  WriteTurns::Writer writer(context.node.turns(), session.durability);
  const bool is_broken = session.watch_broken != nullptr && session.watch_broken->load();
  UnwatchAll(context.node, session);
  if (is_broken) {
    context.reply.NullArray();
    return;
  }
  session.writer = &writer;
  context.reply.BeginArray(requests.size());
  std::vector<std::string_view> arguments;
  for (const OwnedRequest& request : requests) {
    arguments.assign(request.begin(), request.end());
    const Command* command = FindCommand(arguments[0]);
    if (command != nullptr && command->run == nullptr && arguments.size() > 1) {
      command = FindCommand(request[0] + "|" + request[1]);
    }
    if (command == nullptr || command->run == nullptr) continue;
    context.reply.BeginCommand(*command);
    command->run(context, arguments);
  }
  session.writer = nullptr;
  session.hold = writer.Finish();
}

void Discard(Context& context, Arguments /*arguments*/) {
  if (!context.session.in_multi) return context.reply.Error("ERR DISCARD without MULTI");
  EndMulti(context.session);
  UnwatchAll(context.node, context.session);
  context.reply.Ok();
}

void Watch(Context& context, Arguments arguments) {
  Session& session = context.session;
  if (session.in_multi) return context.reply.Error("ERR WATCH inside MULTI is not allowed");
  if (session.watched.size() + arguments.size() - 1 > kWatchedKeysMax) {
    return context.reply.Error("ERR too many watched keys: 10,000 at most");
  }
  if (session.watch_broken == nullptr) {
    session.watch_broken = std::make_shared<std::atomic<bool>>(false);
  }
  // No write may slip in between the reads that follow and the watching: those in flight count.
  for (const std::string_view key : arguments.subspan(1)) {
    session.watched.emplace_back(key);
    context.node.watched_keys().Watch(key, session.watch_broken);
  }
  context.reply.Ok();
}

void Unwatch(Context& context, Arguments /*arguments*/) {
  UnwatchAll(context.node, context.session);
  context.reply.Ok();
}

constexpr Parameter kKeys[] = {{.name = "key", .type = Parameter::kKey, .many = true}};

constexpr Command kCommands[] = {
    {.name = "discard",
     .arity = 1,
     .flags = kFast | kInMulti,
     .group = "transactions",
     .summary = "Forget the requests since MULTI",
     .run = Discard},
    {.name = "exec",
     .arity = 1,
     .flags = kInMulti,
     .group = "transactions",
     .summary = "Run the requests since MULTI, as one",
     .run = Exec},
    {.name = "multi",
     .arity = 1,
     .flags = kFast | kInMulti,
     .group = "transactions",
     .summary = "Begin a transaction",
     .run = Multi},
    {.name = "unwatch",
     .arity = 1,
     .flags = kFast,
     .group = "transactions",
     .summary = "Forget the watched keys",
     .run = Unwatch},
    {.name = "watch",
     .arity = -2,
     .flags = kFast | kInMulti,
     .first_key = 1,
     .last_key = -1,
     .key_step = 1,
     .group = "transactions",
     .summary = "Make EXEC do nothing if one of the keys is written before it",
     .parameters = kKeys,
     .run = Watch},
};

}  // namespace

void UnwatchAll(Node& node, Session& session) {
  for (const std::string& key : session.watched) {
    node.watched_keys().Unwatch(key, session.watch_broken);
  }
  session.watched.clear();
  session.watch_broken.reset();
}

std::span<const Command> TransactionCommands() { return kCommands; }

}  // namespace kvserver
