#include "command/expiry.h"

#include <string>

#include "base/clock.h"
#include "command/arguments.h"

namespace kvserver {
namespace {

std::optional<int64_t> ReplyInvalid(Context& context, std::string_view command) {
  context.reply.Error("ERR invalid expire time in '" + std::string(command) + "' command");
  return std::nullopt;
}

// nullopt: not within 64 bits.
std::optional<int64_t> MomentOf(int64_t time, ExpiryUnit unit) {
  int64_t moment = time;
  if (unit.is_seconds && __builtin_mul_overflow(time, 1'000, &moment)) return std::nullopt;
  if (unit.is_absolute) return moment;
  if (__builtin_add_overflow(moment, NowMilliseconds(), &moment)) return std::nullopt;
  return moment;
}

}  // namespace

std::optional<int64_t> ReadValueExpiry(Context& context, std::string_view command,
                                       std::string_view argument, ExpiryUnit unit) {
  const std::optional<int64_t> time = ReadInteger(context, argument);
  if (!time) return std::nullopt;
  const std::optional<int64_t> moment = *time > 0 ? MomentOf(*time, unit) : std::nullopt;
  return moment ? moment : ReplyInvalid(context, command);
}

std::optional<int64_t> ReadKeyExpiry(Context& context, std::string_view command,
                                     std::string_view argument, ExpiryUnit unit) {
  const std::optional<int64_t> time = ReadInteger(context, argument);
  if (!time) return std::nullopt;
  const std::optional<int64_t> moment = MomentOf(*time, unit);
  return moment ? moment : ReplyInvalid(context, command);
}

}  // namespace kvserver
