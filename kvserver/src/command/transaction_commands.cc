// MULTI, EXEC and WATCH: the requests between MULTI and EXEC become one batch, stored whole or not
// at all, and nobody writes in between.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "command/command.h"
#include "command/dispatcher.h"
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
  session.queued_slow = false;
}

// Written by anyone, or over by time.
bool IsWatchBroken(const Session& session) {
  if (session.watch_broken != nullptr && session.watch_broken->load()) return true;
  return session.watch_expiry != 0 && session.watch_expiry <= NowMilliseconds();
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
    DiscardMulti(context.node, session);
    return context.reply.Error("EXECABORT Transaction discarded because of previous errors.");
  }
  const std::vector<OwnedRequest> requests = std::exchange(session.queued, {});
  EndMulti(session);

  // From here on nobody writes: what was not written until now will not be before the end.
  WriteTurns::Writer writer(context.node.turns(), session.durability, session.write_level_now());
  const bool is_broken = IsWatchBroken(session);
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
    if (command != nullptr && command->run != nullptr) RunCommand(context, *command, arguments);
  }
  session.writer = nullptr;
  session.hold = writer.Finish();
  cluster::AddToSession(writer.written(), &session.written);
}

void Discard(Context& context, Arguments /*arguments*/) {
  if (!context.session.in_multi) return context.reply.Error("ERR DISCARD without MULTI");
  DiscardMulti(context.node, context.session);
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
  for (const std::string_view key : arguments.subspan(1)) {
    session.watched.emplace_back(key);
    context.node.watched_keys().Watch(key, session.watch_broken);
    // The flag tells of later writes only. So what is written but not stored yet must be seen by
    // the reads that follow.
    const absl::StatusOr<int64_t> expiry = WaitForKey(context, key);
    if (!expiry.ok() && !absl::IsNotFound(expiry.status())) {
      return ReplyStatus(context, expiry.status());
    }
    const int64_t moment = expiry.value_or(0);
    if (moment == 0) continue;
    if (session.watch_expiry == 0 || moment < session.watch_expiry) session.watch_expiry = moment;
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
  session.watch_expiry = 0;
}

void DiscardMulti(Node& node, Session& session) {
  EndMulti(session);
  UnwatchAll(node, session);
}

std::span<const Command> TransactionCommands() { return kCommands; }

}  // namespace kvserver
