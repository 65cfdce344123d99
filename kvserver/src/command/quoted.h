// What clients sent, as part of an error.
#ifndef KVSERVER_SRC_COMMAND_QUOTED_H_
#define KVSERVER_SRC_COMMAND_QUOTED_H_

#include <string>
#include <string_view>

namespace kvserver {

inline constexpr size_t kQuotedBytesMax = 128;

// So many bytes of it, and none from its first zero byte on: as Redis does, which prints C strings.
inline std::string Quoted(std::string_view argument) {
  const std::string_view start = argument.substr(0, kQuotedBytesMax);
  return std::string(start.substr(0, start.find('\0')));
}

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_QUOTED_H_
