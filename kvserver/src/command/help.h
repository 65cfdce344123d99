// HELP of a command with subcommands, from the table.
#ifndef KVSERVER_SRC_COMMAND_HELP_H_
#define KVSERVER_SRC_COMMAND_HELP_H_

#include <string>

#include "command/command.h"

namespace kvserver {

// To be the `run` of a row "client|help".
void Help(Context& context, Arguments arguments);

// The error for a subcommand that can be followed by so many arguments, but not by these.
void ReplySubcommandError(Context& context, Arguments arguments);

// The arguments as one writes them: "key value [EX seconds] [NX]".
std::string SyntaxOf(const Command& command);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_HELP_H_
