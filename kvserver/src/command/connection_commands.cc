// Commands on the connection itself.
#include "base/numbers.h"
#include "command/command.h"
#include "command/node.h"
#include "command/session.h"

namespace kvserver {
namespace {

void Ping(Context& context, Arguments arguments) {
  if (arguments.size() > 2) {
    return context.reply.Error("ERR wrong number of arguments for 'ping' command");
  }
  if (arguments.size() == 2) return context.reply.Value(arguments[1]);
  context.reply.Simple("PONG");
}

void Quit(Context& context, Arguments /*arguments*/) {
  context.session.close_after_reply = true;
  context.reply.Ok();
}

constexpr Parameter kMessage[] = {{.name = "message", .optional = true}};

constexpr Command kCommands[] = {
    {.name = "ping",
     .arity = -1,
     .flags = kFast | kConnection,
     .group = "connection",
     .summary = "Ping the server",
     .parameters = kMessage,
     .run = Ping},
    {.name = "quit",
     .arity = -1,
     .flags = kFast | kConnection | kInMulti,
     .group = "connection",
     .summary = "Close the connection",
     .run = Quit},
};

}  // namespace

std::span<const Command> ConnectionCommands() { return kCommands; }

}  // namespace kvserver
