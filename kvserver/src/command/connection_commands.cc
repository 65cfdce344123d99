// Commands on the connection itself.
#include <optional>
#include <string>

#include "base/numbers.h"
#include "command/arguments.h"
#include "command/client_name.h"
#include "command/command.h"
#include "command/node.h"
#include "command/quoted.h"
#include "command/session.h"
#include "command/transaction.h"
#include "command/version.h"

namespace kvserver {
namespace {

constexpr std::string_view kWrongPassword =
    "WRONGPASS invalid username-password pair or user is disabled.";

void Ping(Context& context, Arguments arguments) {
  if (arguments.size() > 2) return ReplyArityError(context, "ping");
  if (arguments.size() == 2) return context.reply.Value(arguments[1]);
  context.reply.Simple("PONG");
}

void Echo(Context& context, Arguments arguments) { context.reply.Value(arguments[1]); }

void Quit(Context& context, Arguments /*arguments*/) {
  context.session.close_after_reply = true;
  context.reply.Ok();
}

void Select(Context& context, Arguments arguments) {
  const std::optional<int64_t> index = ReadInteger(context, arguments[1]);
  if (!index) return;
  if (*index != 0) return context.reply.Error("ERR DB index is out of range");
  context.reply.Ok();
}

// There are no passwords: the user "default" needs none, and there is no other.
void Auth(Context& context, Arguments arguments) {
  if (arguments.size() > 3) return ReplySyntaxError(context);
  if (arguments.size() == 2) {
    return context.reply.Error(
        "ERR AUTH <password> called without any password configured for the default user. Are you "
        "sure your configuration is correct?");
  }
  if (arguments[1] != "default") return context.reply.Error(kWrongPassword);
  context.reply.Ok();
}

void ReplyHello(Context& context) {
  ReplyWriter& reply = context.reply;
  reply.BeginMap(7);
  reply.Value("server");
  reply.Value("kvserver");
  reply.Value("version");
  reply.Value(kRedisVersion);
  reply.Value("proto");
  reply.Integer(reply.resp_version());
  reply.Value("id");
  reply.Integer(static_cast<int64_t>(context.session.id));
  reply.Value("mode");
  reply.Value("standalone");
  reply.Value("role");
  reply.Value("master");
  reply.Value("modules");
  reply.BeginArray(0);
}

// HELLO [version [AUTH user password] [SETNAME name]]. Nothing changes unless all of it is right.
void Hello(Context& context, Arguments arguments) {
  if (context.reply.resp_version() == 0) {
    return context.reply.Error("ERR HELLO is for connections that speak RESP");
  }
  if (arguments.size() == 1) return ReplyHello(context);
  const std::optional<int64_t> version =
      ReadInteger(context, arguments[1], "ERR Protocol version is not an integer or out of range");
  if (!version) return;
  if (*version != 2 && *version != 3) {
    return context.reply.Error("NOPROTO unsupported protocol version");
  }
  std::optional<std::string_view> name;
  for (size_t i = 2; i < arguments.size(); ++i) {
    const size_t after = arguments.size() - i - 1;
    if (IsWord(arguments[i], "auth") && after >= 2) {
      if (arguments[i + 1] != "default") return context.reply.Error(kWrongPassword);
      i += 2;
    } else if (IsWord(arguments[i], "setname") && after >= 1) {
      name = arguments[++i];
      if (!IsClientName(*name)) return context.reply.Error(kBadClientName);
    } else {
      return context.reply.Error("ERR Syntax error in HELLO option '" + Quoted(arguments[i]) + "'");
    }
  }
  if (name) context.session.name = *name;
  context.reply.SetRespVersion(static_cast<int>(*version));
  context.session.description_changed = true;
  ReplyHello(context);
}

void Reset(Context& context, Arguments /*arguments*/) {
  Session& session = context.session;
  session.in_multi = false;
  session.multi_failed = false;
  session.queued.clear();
  session.queued_bytes = 0;
  UnwatchAll(context.node, session);
  context.node.clients().RemoveMonitor(session.id);
  session.is_monitor = false;
  session.reply_mode = Session::ReplyMode::kOn;
  session.no_evict = session.no_touch = false;
  session.name.clear();
  session.durability = context.node.settings().durability.load();
  session.write_level = session.read_level = cluster::Level::kQuorum;
  if (const Replication* const replication = context.node.replication()) {
    session.write_level = replication->options().write_level;
    session.read_level = replication->options().read_level;
  }
  session.written = {};
  session.description_changed = true;
  if (context.reply.resp_version() != 0) context.reply.SetRespVersion(2);
  context.reply.Simple("RESET");
}

constexpr Parameter kMessage[] = {{.name = "message"}};
constexpr Parameter kOptionalMessage[] = {{.name = "message", .optional = true}};
constexpr Parameter kIndex[] = {{.name = "index", .type = Parameter::kInteger}};
constexpr Parameter kPassword[] = {{.name = "username_password", .many = true}};
constexpr Parameter kHello[] = {
    {.name = "protover", .type = Parameter::kInteger, .optional = true},
    {.name = "username_password", .token = "AUTH", .optional = true, .many = true},
    {.name = "clientname", .token = "SETNAME", .optional = true}};

constexpr Command Row(std::string_view name, int arity, uint32_t flags, std::string_view summary,
                      void (*run)(Context&, Arguments),
                      std::span<const Parameter> parameters = {}) {
  return {.name = name,
          .arity = arity,
          .flags = flags | kConnection | kFast,
          .group = "connection",
          .summary = summary,
          .parameters = parameters,
          .run = run};
}

constexpr Command kCommands[] = {
    Row("auth", -2, kSecret, "Say who you are", Auth, kPassword),
    Row("echo", 2, 0, "Reply with the message", Echo, kMessage),
    Row("hello", -1, kSecret, "Choose the version of RESP, and introduce yourself", Hello, kHello),
    Row("ping", -1, 0, "Ping the server", Ping, kOptionalMessage),
    Row("quit", -1, kInMulti, "Close the connection", Quit),
    Row("reset", 1, kInMulti, "Make the connection as it was when it was new", Reset),
    Row("select", 2, 0, "Change the database: there is only 0", Select, kIndex),
};

}  // namespace

std::span<const Command> ConnectionCommands() { return kCommands; }

}  // namespace kvserver
