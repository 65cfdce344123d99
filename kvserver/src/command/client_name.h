// Names that clients give themselves and their libraries.
#ifndef KVSERVER_SRC_COMMAND_CLIENT_NAME_H_
#define KVSERVER_SRC_COMMAND_CLIENT_NAME_H_

#include <cstddef>
#include <string_view>

namespace kvserver {

inline constexpr size_t kClientNameBytesMax = 1'024;
inline constexpr std::string_view kBadClientName =
    "ERR Client names cannot contain spaces, newlines or special characters.";

// Printable ASCII without spaces, so that a line of CLIENT LIST stays one line of words.
inline bool IsClientName(std::string_view name) {
  if (name.size() > kClientNameBytesMax) return false;
  for (const char c : name) {
    if (c < '!' || c > '~') return false;
  }
  return true;
}

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_CLIENT_NAME_H_
