// Commands on the server.
#include "command/command.h"
#include "command/node.h"

namespace kvserver {
namespace {

void DbSize(Context& context, Arguments /*arguments*/) {
  context.reply.Integer(static_cast<int64_t>(context.node.store().Stats().keys_estimate));
}

constexpr Command kCommands[] = {
    {.name = "dbsize",
     .arity = 1,
     .flags = kReadOnly | kFast,
     .group = "server",
     .summary = "Count the keys",
     .run = DbSize},
};

}  // namespace

std::span<const Command> ServerCommands() { return kCommands; }

}  // namespace kvserver
