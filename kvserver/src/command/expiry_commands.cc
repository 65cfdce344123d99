// Commands on the time when a key expires.
#include <optional>
#include <string>

#include "base/clock.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/expiry.h"
#include "command/keyspace.h"

namespace kvserver {
namespace {

// Under which conditions EXPIRE changes something.
struct ExpiryConditions {
  bool if_none = false, if_some = false, if_later = false, if_earlier = false;

  // A key without an expiry time (0) lives longer than any that has one.
  bool Hold(int64_t old, int64_t moment) const {
    if (if_none && old != 0) return false;
    if (if_some && old == 0) return false;
    if (if_later && (old == 0 || moment <= old)) return false;
    return !(if_earlier && old != 0 && moment >= old);
  }
};

std::optional<ExpiryConditions> ReadConditions(Context& context, Arguments words) {
  ExpiryConditions conditions;
  for (const std::string_view word : words) {
    if (IsWord(word, "nx")) {
      conditions.if_none = true;
    } else if (IsWord(word, "xx")) {
      conditions.if_some = true;
    } else if (IsWord(word, "gt")) {
      conditions.if_later = true;
    } else if (IsWord(word, "lt")) {
      conditions.if_earlier = true;
    } else {
      context.reply.Error("ERR Unsupported option " + Quoted(word));
      return std::nullopt;
    }
  }
  if (conditions.if_none && (conditions.if_some || conditions.if_later || conditions.if_earlier)) {
    context.reply.Error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return std::nullopt;
  }
  if (conditions.if_later && conditions.if_earlier) {
    context.reply.Error("ERR GT and LT options at the same time are not compatible");
    return std::nullopt;
  }
  return conditions;
}

void SetExpiry(Context& context, Arguments arguments, std::string_view command, ExpiryUnit unit) {
  const auto conditions = ReadConditions(context, arguments.subspan(3));
  if (!conditions) return;
  const auto moment = ReadKeyExpiry(context, command, arguments[2], unit);
  if (!moment) return;
  KeyWriter writer(context);
  const auto entry = writer.Read(arguments[1]);
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  if (!*entry || !conditions->Hold((*entry)->expiry, *moment)) return context.reply.Integer(0);
  if (*moment <= NowMilliseconds()) {
    writer.Delete(arguments[1]);
  } else {
    const absl::Status status = writer.SetExpiry(arguments[1], **entry, *moment);
    if (!status.ok()) return ReplyStatus(context, status);
  }
  context.reply.Integer(1);
}

void Expire(Context& context, Arguments arguments) {
  SetExpiry(context, arguments, "expire", {.is_seconds = true, .is_absolute = false});
}

void PExpire(Context& context, Arguments arguments) {
  SetExpiry(context, arguments, "pexpire", {.is_seconds = false, .is_absolute = false});
}

void ExpireAt(Context& context, Arguments arguments) {
  SetExpiry(context, arguments, "expireat", {.is_seconds = true, .is_absolute = true});
}

void PExpireAt(Context& context, Arguments arguments) {
  SetExpiry(context, arguments, "pexpireat", {.is_seconds = false, .is_absolute = true});
}

void Persist(Context& context, Arguments arguments) {
  KeyWriter writer(context);
  const auto entry = writer.Read(arguments[1]);
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  if (!*entry || (*entry)->expiry == 0) return context.reply.Integer(0);
  const absl::Status status = writer.SetExpiry(arguments[1], **entry, 0);
  if (!status.ok()) return ReplyStatus(context, status);
  context.reply.Integer(1);
}

// -2: no such key; -1: it does not expire.
void ReplyExpiry(Context& context, std::string_view key, ExpiryUnit unit) {
  const absl::StatusOr<int64_t> expiry = ExpiryOf(context, key);
  if (absl::IsNotFound(expiry.status())) return context.reply.Integer(-2);
  if (!expiry.ok()) return ReplyStatus(context, expiry.status());
  if (*expiry == 0) return context.reply.Integer(-1);
  int64_t time = *expiry;
  if (!unit.is_absolute) time = time > NowMilliseconds() ? time - NowMilliseconds() : 0;
  if (unit.is_seconds) time = time / 1'000 + (time % 1'000 >= 500 ? 1 : 0);
  context.reply.Integer(time);
}

void Ttl(Context& context, Arguments arguments) {
  ReplyExpiry(context, arguments[1], {.is_seconds = true, .is_absolute = false});
}

void PTtl(Context& context, Arguments arguments) {
  ReplyExpiry(context, arguments[1], {.is_seconds = false, .is_absolute = false});
}

void ExpireTime(Context& context, Arguments arguments) {
  ReplyExpiry(context, arguments[1], {.is_seconds = true, .is_absolute = true});
}

void PExpireTime(Context& context, Arguments arguments) {
  ReplyExpiry(context, arguments[1], {.is_seconds = false, .is_absolute = true});
}

constexpr Parameter kKey = {.name = "key", .type = Parameter::kKey};

constexpr Parameter Flag(std::string_view name, std::string_view token) {
  return {.name = name, .type = Parameter::kFlag, .token = token, .optional = true};
}

constexpr Parameter kKeyOnly[] = {kKey};
constexpr Parameter kSeconds[] = {kKey,
                                  {.name = "seconds", .type = Parameter::kInteger},
                                  Flag("nx", "NX"),
                                  Flag("xx", "XX"),
                                  Flag("gt", "GT"),
                                  Flag("lt", "LT")};
constexpr Parameter kMilliseconds[] = {kKey,
                                       {.name = "milliseconds", .type = Parameter::kInteger},
                                       Flag("nx", "NX"),
                                       Flag("xx", "XX"),
                                       Flag("gt", "GT"),
                                       Flag("lt", "LT")};
constexpr Parameter kUnixSeconds[] = {kKey,
                                      {.name = "unix_seconds", .type = Parameter::kUnixTime},
                                      Flag("nx", "NX"),
                                      Flag("xx", "XX"),
                                      Flag("gt", "GT"),
                                      Flag("lt", "LT")};
constexpr Parameter kUnixMilliseconds[] = {
    kKey,
    {.name = "unix_milliseconds", .type = Parameter::kUnixTime},
    Flag("nx", "NX"),
    Flag("xx", "XX"),
    Flag("gt", "GT"),
    Flag("lt", "LT")};

constexpr Command kCommands[] = {
    {.name = "expire",
     .arity = -3,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "generic",
     .summary = "Set the time to live of a key in seconds",
     .parameters = kSeconds,
     .run = Expire},
    {.name = "expireat",
     .arity = -3,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "generic",
     .summary = "Set when a key expires, in seconds since 1970",
     .parameters = kUnixSeconds,
     .run = ExpireAt},
    {.name = "expiretime",
     .arity = 2,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "generic",
     .summary = "Get when a key expires, in seconds since 1970",
     .parameters = kKeyOnly,
     .run = ExpireTime},
    {.name = "persist",
     .arity = 2,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "generic",
     .summary = "Remove the expiry time of a key",
     .parameters = kKeyOnly,
     .run = Persist},
    {.name = "pexpire",
     .arity = -3,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "generic",
     .summary = "Set the time to live of a key in milliseconds",
     .parameters = kMilliseconds,
     .run = PExpire},
    {.name = "pexpireat",
     .arity = -3,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "generic",
     .summary = "Set when a key expires, in milliseconds since 1970",
     .parameters = kUnixMilliseconds,
     .run = PExpireAt},
    {.name = "pexpiretime",
     .arity = 2,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "generic",
     .summary = "Get when a key expires, in milliseconds since 1970",
     .parameters = kKeyOnly,
     .run = PExpireTime},
    {.name = "pttl",
     .arity = 2,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "generic",
     .summary = "Get the time to live of a key in milliseconds",
     .parameters = kKeyOnly,
     .run = PTtl},
    {.name = "ttl",
     .arity = 2,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "generic",
     .summary = "Get the time to live of a key in seconds",
     .parameters = kKeyOnly,
     .run = Ttl},
};

}  // namespace

std::span<const Command> ExpiryCommands() { return kCommands; }

}  // namespace kvserver
