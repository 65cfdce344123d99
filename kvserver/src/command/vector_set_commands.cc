// V*: the shapes of Redis vector sets over a space of vectors.
#include "command/command.h"

namespace kvserver {

std::span<const Command> VectorSetCommands() { return {}; }

}  // namespace kvserver
