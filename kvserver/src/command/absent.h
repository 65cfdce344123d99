// Features of Redis that this server has not, and what it says instead.
#ifndef KVSERVER_SRC_COMMAND_ABSENT_H_
#define KVSERVER_SRC_COMMAND_ABSENT_H_

#include <string_view>

namespace kvserver {

// The error for a command that belongs to such a feature, in any case; "" for all others.
std::string_view WhyAbsent(std::string_view name);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_ABSENT_H_
