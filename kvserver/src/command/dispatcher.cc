#include "command/dispatcher.h"

#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "cluster/session_token.h"
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

// Whether a request that demands something may run. Writes the error if it may not.
bool MayDemand(Context& context, const Command& command) {
  Session& session = context.session;
  const Demands& demands = session.demands;
  if (!demands.any()) return true;
  std::string why;
  if (!demands.request_id.empty()) {
    if (demands.request_id.size() > kRequestIdBytesMax) {
      why = "ERR a request id has 1 to 128 bytes";
    } else if (!CountsOnce(command)) {
      why =
          "ERR a request id is for INCR, DECR, INCRBY and DECRBY: other requests may be repeated "
          "as they are";
    } else if (session.in_multi) {
      why = "ERR a request with an id cannot be part of a transaction";
    }
  }
  const bool is_alone = context.node.replication() == nullptr;
  if (why.empty() && is_alone && demands.session && !demands.session->empty()) {
    const auto written = cluster::ReadSessionToken(*demands.session, 0);
    if (!written.ok()) why = StatusText(written.status());
  }
  if (why.empty()) return true;
  if (session.in_multi && command.name != "exec") session.multi_failed = true;
  context.reply.Error(why);
  return false;
}

// The token that the request brings: this node must have seen what it stands for. Null: none.
const std::string* TokenOf(const Session& session, const Command& command) {
  const bool is_of_keys = command.has(kWrite) || command.has(kReadOnly) || command.name == "exec";
  const std::optional<std::string>& token = session.demands.session;
  return is_of_keys && token && !token->empty() ? &*token : nullptr;
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
  if (context.node.replication() == nullptr) return false;
  if (TokenOf(session, command) != nullptr) return true;
  if (command.name == "kv.session") return arguments.size() == 2;
  if (!session.demands.request_id.empty()) {
    return context.node.request_ids().Find(session.demands.request_id).has_value();
  }
  if (session.read_level_now() == cluster::Level::kOne) return false;
  if (command.name != "exec") return ReadsKeys(command);
  return session.in_multi && !session.multi_failed &&
         !KeysToAskFor(context, command, arguments).empty();
}

// What follows when this node has seen what the client has written.
void AskForKeys(Context& context, const Command& command, Arguments arguments,
                Replication::AskDone done) {
  Replication& replication = *context.node.replication();
  const Session& session = context.session;
  if (!session.demands.request_id.empty()) {
    const auto known = context.node.request_ids().Find(session.demands.request_id);
    if (!known || known->dot.counter == 0) return done(absl::OkStatus());
    return replication.AwaitLevel(known->dot, session.write_level_now(), std::move(done));
  }
  const std::vector<std::string_view> keys = KeysToAskFor(context, command, arguments);
  if (keys.empty() || session.read_level_now() == cluster::Level::kOne) {
    return done(absl::OkStatus());
  }
  replication.AskPeers(keys, session.read_level_now(), std::move(done));
}

// Behind what a command has replied.
void EndReply(Context& context) {
  const std::optional<std::string>& given = context.session.demands.session;
  if (given) {
    Replication* const replication = context.node.replication();
    const uint64_t seed = replication == nullptr ? 0 : replication->token_seed();
    cluster::DotSet session = context.session.written;
    const auto before = cluster::ReadSessionToken(*given, seed);
    if (before.ok()) cluster::AddToSession(*before, &session);
    context.reply.Session(cluster::SessionToken(session, seed));
  }
  context.reply.End();
  context.node.CountError(context.reply.error_code());
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
  } else if (!MayRunInCluster(context, *command, arguments) || !MayDemand(context, *command)) {
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
  EndReply(context);
  return Dispatched::kDone;
}

void AskPeers(Context& context, Arguments arguments, Replication::AskDone done) {
  const Command& command = *FindCommand(arguments[0]);
  const std::string* token = TokenOf(context.session, command);
  std::string own;
  if (token == nullptr && command.name == "kv.session") token = &(own = arguments[1]);
  if (token == nullptr) return AskForKeys(context, command, arguments, std::move(done));
  Replication& replication = *context.node.replication();
  const auto written = cluster::ReadSessionToken(*token, replication.token_seed());
  if (!written.ok()) return done(written.status());
  // The connection, and what the arguments view, live until it is done.
  const auto then = [&node = context.node, &session = context.session, &reply = context.reply,
                     &command, own_arguments = std::vector(arguments.begin(), arguments.end()),
                     done = std::move(done)](absl::Status status) {
    if (!status.ok()) return done(std::move(status));
    Context again{node, session, reply};
    AskForKeys(again, command, own_arguments, done);
  };
  replication.AwaitSession(*written, then);
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
  EndReply(context);
}

}  // namespace kvserver
