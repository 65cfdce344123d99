// FT.*: the reply shapes of RediSearch over our query language.
#include "command/command.h"

namespace kvserver {

std::span<const Command> FtCommands() { return {}; }

}  // namespace kvserver
