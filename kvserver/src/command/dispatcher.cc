#include "command/dispatcher.h"

#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "command/cluster_rules.h"
#include "command/keys_of.h"
#include "command/keyspace.h"
#include "command/made_vectors.h"
#include "command/monitor.h"
#include "command/node.h"
#include "command/quoted.h"
#include "command/session.h"
#include "command/table.h"
#include "command/transaction.h"
#include "command/unsupported.h"

namespace kvserver {
namespace {

constexpr size_t kQueuedRequestsMax = 100'000;
constexpr size_t kQueuedBytesMax = size_t{64} << 20;          // as much as one batch may have
constexpr size_t kQuotedArgumentsBytesMax = kQuotedBytesMax;  // together

std::string UnknownCommand(Arguments arguments) {
  std::string message =
      "ERR unknown command '" + Quoted(arguments[0]) + "', with args beginning with: ";
  size_t bytes = 0;
  for (size_t i = 1; i < arguments.size() && bytes < kQuotedArgumentsBytesMax; ++i) {
    const std::string argument = Quoted(arguments[i].substr(0, kQuotedArgumentsBytesMax - bytes));
    bytes += argument.size() + 3;
    message += "'" + argument + "' ";
  }
  return message;
}

// The row for the request; writes the error and answers nullptr when it cannot run.
const Command* CommandOf(Context& context, Arguments arguments) {
  const Command* command = FindCommand(arguments[0]);
  if (command == nullptr) {
    const std::string why = WhyUnsupported(arguments[0]);
    context.reply.Error(why.empty() ? UnknownCommand(arguments) : why);
    return nullptr;
  }
  if (command->run == nullptr && arguments.size() >= 2) {  // a container
    std::string upper(command->name);
    const Command* const sub = FindCommand(upper + "|" + std::string(arguments[1].substr(0, 64)));
    if (sub == nullptr) {
      for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      context.reply.Error("ERR unknown subcommand '" + Quoted(arguments[1]) + "'. Try " + upper +
                          " HELP.");
      return nullptr;
    }
    command = sub;
  }
  if (command->run == nullptr || !ArityFits(*command, arguments.size())) {
    const std::string error =
        "wrong number of arguments for '" + std::string(command->name) + "' command";
    if (command->name == "exec") {  // which ends the transaction even so
      DiscardMulti(context.node, context.session);
      context.reply.Error("EXECABORT Transaction discarded because of: " + error);
    } else {
      context.reply.Error("ERR " + error);
    }
    return nullptr;
  }
  return command;
}

// Between MULTI and EXEC: kept for later.
void Queue(Context& context, Arguments arguments, bool is_slow) {
  Session& session = context.session;
  size_t bytes = 0;
  for (const std::string_view argument : arguments) bytes += argument.size() + sizeof(std::string);
  if (session.queued.size() >= kQueuedRequestsMax ||
      session.queued_bytes + bytes > kQueuedBytesMax) {
    session.multi_failed = true;
    context.reply.Error("ERR too much between MULTI and EXEC: 100,000 requests or 64 MiB at most");
    return;
  }
  session.queued_bytes += bytes;
  session.queued_slow |= is_slow;
  session.queued.emplace_back(arguments.begin(), arguments.end());
  context.reply.Simple("QUEUED");
}

// EXEC takes as long as what was queued.
bool MustLeaveThread(const Session& session, const Command& command) {
  return session.in_multi && session.queued_slow && command.name == "exec";
}

// In a cluster: whether the request may run now. Writes the error if it may not.
bool MayRunInCluster(Context& context, const Command& command, Arguments arguments) {
  Replication* const replication = context.node.replication();
  if (replication == nullptr) return true;
  const bool is_of_keys = command.has(kWrite) || command.has(kReadOnly) || command.name == "exec";
  if (!is_of_keys && command.name != "watch") return true;
  std::string why = WhyNotInCluster(command, arguments, replication->options().allows_weak);
  if (why.empty() && is_of_keys && command.group != "server" && !replication->is_ready()) {
    why = "TRYAGAIN this node is catching up with the others; ask another one";
  }
  if (why.empty()) return true;
  if (context.session.in_multi && command.name != "exec") context.session.multi_failed = true;
  context.reply.Error(why);
  return false;
}

// What the request reads of keys that other nodes could know more of; of EXEC: what was queued.
std::vector<std::string_view> KeysToAskFor(const Context& context, const Command& command,
                                           Arguments arguments) {
  if (command.name != "exec") {
    return ReadsKeys(command) ? KeysOf(command, arguments) : std::vector<std::string_view>();
  }
  std::vector<std::string_view> keys;
  for (const OwnedRequest& request : context.session.queued) {
    const Command* const queued = FindCommand(request[0]);
    if (queued == nullptr || !ReadsKeys(*queued)) continue;
    const std::vector<std::string_view> views(request.begin(), request.end());
    for (const std::string_view key : KeysOf(*queued, views)) keys.push_back(key);
  }
  return keys;
}

bool MustAskPeers(const Context& context, const Command& command, Arguments arguments) {
  const Session& session = context.session;
  if (context.node.replication() == nullptr || session.read_level == cluster::Level::kOne) {
    return false;
  }
  if (command.name != "exec") return ReadsKeys(command);
  return session.in_multi && !session.multi_failed &&
         !KeysToAskFor(context, command, arguments).empty();
}

// Within EXEC the vectors are there already, and others wait for the lock.
void RunWithVectors(Context& context, const Command& command, Arguments arguments) {
  Session& session = context.session;
  if (context.node.spaces() == nullptr || session.writer != nullptr) {
    return command.run(context, arguments);
  }
  MadeVectors vectors;
  const absl::Status status = vectors.Make(context, command, arguments);
  if (!status.ok()) return ReplyStatus(context, status);
  session.made_vectors = &vectors;
  command.run(context, arguments);
  session.made_vectors = nullptr;
}

}  // namespace

void RunCommand(Context& context, const Command& command, Arguments arguments) {
  context.node.commands.fetch_add(1, std::memory_order_relaxed);
  context.session.last_command.store(&command, std::memory_order_relaxed);
  if (context.node.clients().has_monitors() && !command.has(kAdmin) && !command.has(kSecret)) {
    ShowMonitors(context, arguments);
  }
  context.reply.BeginCommand(command);
  const int64_t start = SteadyMicroseconds();
  RunWithVectors(context, command, arguments);
  const int64_t took = SteadyMicroseconds() - start;
  context.node.command_times().Add(command, took);
  Settings& settings = context.node.settings();
  const int64_t slow = settings.slow_log_us.load(std::memory_order_relaxed);
  if (slow >= 0 && took >= slow && !command.has(kSecret)) {
    context.node.slow_log().Add(NowMicroseconds() / 1'000'000, took, arguments,
                                context.session.address, context.session.name,
                                static_cast<size_t>(settings.slow_log_length.load()));
  }
}

Dispatched Dispatch(Context& context, Arguments arguments, bool has_asked) {
  Session& session = context.session;
  session.hold = {};
  context.reply.Begin();
  const Command* const command = CommandOf(context, arguments);
  if (command == nullptr) {
    if (session.in_multi) session.multi_failed = true;
  } else if (!MayRunInCluster(context, *command, arguments)) {
    // The error is written.
  } else if (!session.in_multi || command->has(kInMulti)) {
    if (!has_asked && MustAskPeers(context, *command, arguments)) {
      return Dispatched::kAskPeers;
    }
    const bool is_slow = command->has(kSlow) || MustLeaveThread(session, *command) ||
                         (command->is_slow != nullptr && command->is_slow(context, arguments)) ||
                         NeedsVectors(context, *command, arguments);
    if (is_slow) return Dispatched::kSlow;
    RunCommand(context, *command, arguments);
  } else if (command->has(kNoMulti)) {
    session.multi_failed = true;
    context.reply.Error("ERR Command not allowed inside a transaction");
  } else {
    Queue(context, arguments, command->has(kSlow) || NeedsVectors(context, *command, arguments));
  }
  context.reply.End();
  context.node.CountError(context.reply.error_code());
  return Dispatched::kDone;
}

void AskPeers(Context& context, Arguments arguments, Replication::AskDone done) {
  const std::vector<std::string_view> keys =
      KeysToAskFor(context, *FindCommand(arguments[0]), arguments);
  context.node.replication()->AskPeers(keys, context.session.read_level, std::move(done));
}

bool TakesLong(Arguments arguments) {
  const Command* command = FindCommand(arguments[0]);
  if (command != nullptr && command->run == nullptr && arguments.size() >= 2) {
    command =
        FindCommand(std::string(command->name) + "|" + std::string(arguments[1].substr(0, 64)));
  }
  return command != nullptr && command->has(kLong);
}

void RunSlow(Context& context, Arguments arguments) {
  context.session.hold = {};
  context.reply.Begin();
  const Command* const command = CommandOf(context, arguments);
  if (command != nullptr) RunCommand(context, *command, arguments);
  context.reply.End();
  context.node.CountError(context.reply.error_code());
}

}  // namespace kvserver
