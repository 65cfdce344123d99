// Which arguments of a request are keys, from the table.
#ifndef KVSERVER_SRC_COMMAND_KEYS_OF_H_
#define KVSERVER_SRC_COMMAND_KEYS_OF_H_

#include <string_view>
#include <vector>

#include "command/command.h"

namespace kvserver {

// `request` begins with the command's name. Empty: it has none.
std::vector<std::string_view> KeysOf(const Command& command, Arguments request);

// What becomes of them, in the words of Redis: RO and access, or RW, access and update.
std::vector<std::string_view> KeyFlags(const Command& command);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_KEYS_OF_H_
