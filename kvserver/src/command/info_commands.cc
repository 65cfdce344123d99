// INFO. See command/info.h.
#include "command/info.h"

#include "command/command.h"

namespace kvserver {
namespace {

void Info(Context& context, Arguments arguments) {
  context.reply.Text(InfoText(context.node, arguments.subspan(1)));
}

constexpr Parameter kSections[] = {{.name = "sections", .optional = true, .many = true}};

constexpr Command kCommands[] = {
    {.name = "info",
     .arity = -1,
     .flags = 0,
     .group = "server",
     .summary = "What the server knows of itself, by sections",
     .parameters = kSections,
     .run = Info},
};

}  // namespace

std::span<const Command> InfoCommands() { return kCommands; }

}  // namespace kvserver
