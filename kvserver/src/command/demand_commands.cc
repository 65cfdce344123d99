// KV.WITH, which stands in front of requests, and KV.SESSION.
#include "cluster/session_token.h"
#include "command/argument_reader.h"
#include "command/command.h"
#include "command/demands.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/session.h"

namespace kvserver {
namespace {

constexpr std::string_view kName = "KV.WITH";

constexpr std::string_view kSyntax =
    "ERR KV.WITH [WRITE level] [READ level] [SESSION token] [ID request-id] DO command ...";

// Of a request that begins with KV.WITH: where the command begins. "": that is well; or the error.
std::string ReadDemands(Arguments arguments, Demands* demands, size_t* command) {
  for (size_t i = 1; i < arguments.size(); i += 2) {
    const std::string_view word = arguments[i];
    if (EqualsIgnoringCase(word, "DO")) {
      *command = i + 1;
      return i + 1 < arguments.size() ? "" : std::string(kSyntax);
    }
    if (i + 1 == arguments.size()) break;
    const std::string_view value = arguments[i + 1];
    const bool is_write = EqualsIgnoringCase(word, "WRITE");
    if (is_write || EqualsIgnoringCase(word, "READ")) {
      const std::optional<cluster::Level> level = ReadLevel(value);
      if (!level) return "ERR " + std::string(kNoSuchLevel);
      (is_write ? demands->write_level : demands->read_level) = level;
    } else if (EqualsIgnoringCase(word, "SESSION")) {
      demands->session = value;
    } else if (EqualsIgnoringCase(word, "ID")) {
      demands->request_id = value;
      if (value.empty()) break;
    } else {
      break;
    }
  }
  return std::string(kSyntax);
}

// Reached only when it stands where no request begins.
void With(Context& context, Arguments /*arguments*/) {
  context.reply.Error("ERR KV.WITH stands in front of a request, once");
}

void SessionOf(Context& context, Arguments arguments) {
  Session& session = context.session;
  Replication* const replication = context.node.replication();
  const uint64_t seed = replication == nullptr ? 0 : replication->token_seed();
  if (arguments.size() == 1) {
    return context.reply.Value(cluster::SessionToken(session.written, seed));
  }
  if (arguments.size() > 2) return context.reply.Error("ERR syntax error");
  // What it asks for is here: see AskPeers.
  const auto given = cluster::ReadSessionToken(arguments[1], seed);
  if (!given.ok()) return ReplyStatus(context, given.status());
  cluster::AddToSession(*given, &session.written);
  context.reply.Ok();
}

constexpr Parameter kWithParameters[] = {
    {.name = "write", .token = "WRITE", .optional = true},
    {.name = "read", .token = "READ", .optional = true},
    {.name = "session", .token = "SESSION", .optional = true},
    {.name = "request_id", .token = "ID", .optional = true},
    {.name = "request", .token = "DO", .many = true},
};
constexpr Parameter kSessionParameters[] = {{.name = "token", .optional = true}};

constexpr Command kCommands[] = {
    {.name = "kv.session",
     .arity = -1,
     .flags = kFast | kConnection | kNoMulti,
     .group = "connection",
     .summary = "What this connection has written, as a token; or wait until this node has seen a "
                "token's writes",
     .parameters = kSessionParameters,
     .run = SessionOf},
    {.name = "kv.with",
     .arity = -3,
     .flags = kFast | kConnection | kNoMulti,
     .group = "connection",
     .summary = "Levels, a session or a request id, for the one request behind DO",
     .parameters = kWithParameters,
     .run = With},
};

}  // namespace

std::optional<cluster::Level> ReadLevel(std::string_view name) {
  for (const cluster::Level level : cluster::kLevels) {
    if (EqualsIgnoringCase(name, kLevelNames[static_cast<size_t>(level)])) return level;
  }
  return std::nullopt;
}

bool TakeDemands(Context& context, Request& request) {
  if (!EqualsIgnoringCase(request.args[0], kName)) return true;
  Session& session = context.session;
  size_t command = 0;
  const std::string error = ReadDemands(request.args, &session.demands, &command);
  if (error.empty()) {
    request.args.erase(request.args.begin(),
                       request.args.begin() + static_cast<ptrdiff_t>(command));
    return true;
  }
  if (session.in_multi) session.multi_failed = true;
  session.hold = {};
  context.reply.Begin();
  context.reply.Error(error);
  context.reply.End();
  context.node.CountError(context.reply.error_code());
  return false;
}

std::span<const Command> DemandCommands() { return kCommands; }

}  // namespace kvserver
