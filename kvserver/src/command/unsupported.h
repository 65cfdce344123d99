// Commands of Redis that clients may expect and this server has not.
#ifndef KVSERVER_SRC_COMMAND_UNSUPPORTED_H_
#define KVSERVER_SRC_COMMAND_UNSUPPORTED_H_

#include <string>
#include <string_view>

namespace kvserver {

// The error to reply when there is no command `name`, which is not a typing error but one of Redis;
// "" when it is not one of those.
std::string WhyUnsupported(std::string_view name);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_UNSUPPORTED_H_
