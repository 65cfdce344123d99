// Which version this is, and which version of Redis clients may take it for.
#ifndef KVSERVER_SRC_COMMAND_VERSION_H_
#define KVSERVER_SRC_COMMAND_VERSION_H_

#include <string_view>

namespace kvserver {

std::string_view Version();

// Clients switch features on by this number; 7.2 is the first with CLIENT SETINFO.
inline constexpr std::string_view kRedisVersion = "7.2.4";

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_VERSION_H_
