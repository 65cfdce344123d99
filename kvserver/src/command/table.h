// All commands, found by name.
#ifndef KVSERVER_SRC_COMMAND_TABLE_H_
#define KVSERVER_SRC_COMMAND_TABLE_H_

#include <string_view>
#include <vector>

#include "command/command.h"

namespace kvserver {

// The command of that name, in any case; nullptr: there is none. Containers (CLIENT, CONFIG) are
// commands; their subcommands are found as "client|list".
const Command* FindCommand(std::string_view name);

// All of them by name, subcommands behind their container.
const std::vector<const Command*>& AllCommands();

// Those of a container, by name.
std::vector<const Command*> SubcommandsOf(const Command& container);

bool ArityFits(const Command& command, size_t arguments);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_TABLE_H_
