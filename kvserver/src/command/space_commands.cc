// KV.SPACE: which keys are indexed, and how.
#include "command/command.h"

namespace kvserver {

std::span<const Command> SpaceCommands() { return {}; }

}  // namespace kvserver
