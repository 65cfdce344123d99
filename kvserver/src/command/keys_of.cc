#include "command/keys_of.h"

#include <algorithm>

namespace kvserver {

std::vector<std::string_view> KeysOf(const Command& command, Arguments request) {
  std::vector<std::string_view> keys;
  if (command.first_key <= 0) return keys;
  const auto count = static_cast<int64_t>(request.size());
  const int64_t last = command.last_key < 0 ? count + command.last_key : command.last_key;
  const int64_t step = std::max<int64_t>(1, command.key_step);
  for (int64_t i = command.first_key; i <= last && i < count; i += step) {
    keys.push_back(request[static_cast<size_t>(i)]);
  }
  return keys;
}

std::vector<std::string_view> KeyFlags(const Command& command) {
  if (command.has(kWrite)) return {"RW", "access", "update"};
  return {"RO", "access"};
}

}  // namespace kvserver
