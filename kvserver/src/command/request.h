// What a client asks for, whatever protocol it came by.
#ifndef KVSERVER_SRC_COMMAND_REQUEST_H_
#define KVSERVER_SRC_COMMAND_REQUEST_H_

#include <span>
#include <string_view>
#include <vector>

namespace kvserver {

// The command's name and its arguments by position, as RESP has them; protocols with names put
// them in that order (see protocol/json_binding.h). Views into the connection's input: they live
// until the command returns.
struct Request {
  std::vector<std::string_view> args;

  std::string_view verb() const { return args[0]; }
};

using Arguments = std::span<const std::string_view>;

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_REQUEST_H_
