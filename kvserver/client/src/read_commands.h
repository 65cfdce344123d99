// Which commands may be sent twice without harm.
#ifndef KVSERVER_CLIENT_SRC_READ_COMMANDS_H_
#define KVSERVER_CLIENT_SRC_READ_COMMANDS_H_

#include <string_view>

namespace kvclient {

// Whether the command (in any case) is known to change nothing, neither keys nor the connection.
bool IsRead(std::string_view command);

}  // namespace kvclient

#endif  // KVSERVER_CLIENT_SRC_READ_COMMANDS_H_
