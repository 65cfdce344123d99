// Commands on the server.
#include "command/command.h"

namespace kvserver {

std::span<const Command> ServerCommands() { return {}; }

}  // namespace kvserver
