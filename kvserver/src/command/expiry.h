// Expiry times as clients give them: in seconds or milliseconds, from now or since 1970.
#ifndef KVSERVER_SRC_COMMAND_EXPIRY_H_
#define KVSERVER_SRC_COMMAND_EXPIRY_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "command/command.h"

namespace kvserver {

struct ExpiryUnit {
  bool is_seconds = true;
  bool is_absolute = false;
};

// Milliseconds since 1970 of a time that comes with a value (SET EX and its like), which must be
// positive. Otherwise the error is replied, which names `command`.
std::optional<int64_t> ReadValueExpiry(Context& context, std::string_view command,
                                       std::string_view argument, ExpiryUnit unit);

// The same of a key that is there (EXPIRE and its like): a moment in the past, even one before
// 1970, means that it is over.
std::optional<int64_t> ReadKeyExpiry(Context& context, std::string_view command,
                                     std::string_view argument, ExpiryUnit unit);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_EXPIRY_H_
