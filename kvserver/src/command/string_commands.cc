// Commands that read and bind whole string values.
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/expiry.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/session.h"

namespace kvserver {
namespace {

using Entry = KeyWriter::Entry;

// What SET and GETEX are told beside key and value.
struct ValueOptions {
  bool if_missing = false, if_present = false, get = false, keep_expiry = false, persist = false;
  std::string_view expiry;  // its data is null: none given
  ExpiryUnit unit;

  bool has_expiry() const { return expiry.data() != nullptr; }
};

std::optional<ExpiryUnit> UnitOf(std::string_view word) {
  if (IsWord(word, "ex")) return ExpiryUnit{.is_seconds = true, .is_absolute = false};
  if (IsWord(word, "px")) return ExpiryUnit{.is_seconds = false, .is_absolute = false};
  if (IsWord(word, "exat")) return ExpiryUnit{.is_seconds = true, .is_absolute = true};
  if (IsWord(word, "pxat")) return ExpiryUnit{.is_seconds = false, .is_absolute = true};
  return std::nullopt;
}

// Of words that exclude each other the first one counts, and the second one is an error; the same
// time word may come again, and its last value counts.
std::optional<ValueOptions> ReadValueOptions(Context& context, Arguments words, bool is_set) {
  ValueOptions options;
  std::optional<ExpiryUnit> given;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const std::optional<ExpiryUnit> unit = UnitOf(word);
    const bool is_other_unit =
        given && unit &&
        (given->is_seconds != unit->is_seconds || given->is_absolute != unit->is_absolute);
    if (is_set && IsWord(word, "nx") && !options.if_present) {
      options.if_missing = true;
    } else if (is_set && IsWord(word, "xx") && !options.if_missing) {
      options.if_present = true;
    } else if (is_set && IsWord(word, "get")) {
      options.get = true;
    } else if (is_set && IsWord(word, "keepttl") && !given) {
      options.keep_expiry = true;
    } else if (!is_set && IsWord(word, "persist") && !given) {
      options.persist = true;
    } else if (unit && !is_other_unit && !options.keep_expiry && !options.persist &&
               i + 1 < words.size()) {
      given = unit;
      options.unit = *unit;
      options.expiry = words[++i];
      if (options.expiry.data() == nullptr) options.expiry = "";
    } else {
      ReplySyntaxError(context);
      return std::nullopt;
    }
  }
  return options;
}

void CountLookup(Context& context, bool found) {
  (found ? context.node.hits : context.node.misses).fetch_add(1, std::memory_order_relaxed);
}

void ReplyEntry(Context& context, const std::optional<Entry>& entry) {
  CountLookup(context, entry.has_value());
  if (!entry) return context.reply.Null();
  context.reply.Value(entry->value);
}

void Get(Context& context, Arguments arguments) {
  const absl::Status status =
      ViewKey(context, arguments[1], [&](std::string_view value) { context.reply.Value(value); });
  if (status.ok()) {
    context.node.hits.fetch_add(1, std::memory_order_relaxed);
  } else if (absl::IsNotFound(status)) {
    context.node.misses.fetch_add(1, std::memory_order_relaxed);
    context.reply.Null();
  } else {
    ReplyStatus(context, status);
  }
}

void SetWithOptions(Context& context, Arguments arguments) {
  const auto options = ReadValueOptions(context, arguments.subspan(3), true);
  if (!options) return;
  int64_t expiry = 0;
  if (options->has_expiry()) {
    const auto moment = ReadValueExpiry(context, "set", options->expiry, options->unit);
    if (!moment) return;
    expiry = *moment;
  }
  KeyWriter writer(context);
  const auto old = writer.Read(arguments[1]);
  if (!old.ok()) return ReplyStatus(context, old.status());
  const bool is_wanted =
      !(options->if_missing && old->has_value()) && !(options->if_present && !old->has_value());
  if (is_wanted) {
    if (options->keep_expiry && *old) expiry = (*old)->expiry;
    writer.Set(arguments[1], arguments[2], expiry);
  }
  if (options->get) return ReplyEntry(context, *old);
  is_wanted ? context.reply.Ok() : context.reply.Null();
}

void Set(Context& context, Arguments arguments) {
  if (!CheckSizes(context, arguments[1], arguments[2])) return;
  if (arguments.size() > 3) return SetWithOptions(context, arguments);
  {
    KeyWriter writer(context);
    writer.Set(arguments[1], arguments[2]);
  }
  context.reply.Ok();
}

void SetNx(Context& context, Arguments arguments) {
  if (!CheckSizes(context, arguments[1], arguments[2])) return;
  KeyWriter writer(context);
  const absl::StatusOr<bool> exists = writer.Exists(arguments[1]);
  if (!exists.ok()) return ReplyStatus(context, exists.status());
  if (!*exists) writer.Set(arguments[1], arguments[2]);
  context.reply.Integer(*exists ? 0 : 1);
}

void SetForTime(Context& context, Arguments arguments, std::string_view command, ExpiryUnit unit) {
  if (!CheckSizes(context, arguments[1], arguments[3])) return;
  const auto expiry = ReadValueExpiry(context, command, arguments[2], unit);
  if (!expiry) return;
  {
    KeyWriter writer(context);
    writer.Set(arguments[1], arguments[3], *expiry);
  }
  context.reply.Ok();
}

void SetEx(Context& context, Arguments arguments) {
  SetForTime(context, arguments, "setex", {.is_seconds = true});
}

void PSetEx(Context& context, Arguments arguments) {
  SetForTime(context, arguments, "psetex", {.is_seconds = false});
}

void GetSet(Context& context, Arguments arguments) {
  if (!CheckSizes(context, arguments[1], arguments[2])) return;
  KeyWriter writer(context);
  const auto old = writer.Read(arguments[1]);
  if (!old.ok()) return ReplyStatus(context, old.status());
  writer.Set(arguments[1], arguments[2]);
  ReplyEntry(context, *old);
}

void GetDel(Context& context, Arguments arguments) {
  KeyWriter writer(context);
  const auto old = writer.Read(arguments[1]);
  if (!old.ok()) return ReplyStatus(context, old.status());
  if (*old) writer.Delete(arguments[1]);
  ReplyEntry(context, *old);
}

void GetEx(Context& context, Arguments arguments) {
  const auto options = ReadValueOptions(context, arguments.subspan(2), false);
  if (!options) return;
  if (!options->has_expiry() && !options->persist) return Get(context, arguments);
  KeyWriter writer(context);
  const auto entry = writer.Read(arguments[1]);
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  if (!*entry) return ReplyEntry(context, *entry);
  int64_t expiry = 0;
  if (options->has_expiry()) {
    const auto moment = ReadValueExpiry(context, "getex", options->expiry, options->unit);
    if (!moment) return;
    expiry = *moment;
  }
  if (expiry != (*entry)->expiry) {
    const absl::Status status = writer.SetExpiry(arguments[1], **entry, expiry);
    if (!status.ok()) return ReplyStatus(context, status);
  }
  ReplyEntry(context, *entry);
}

void MGet(Context& context, Arguments arguments) {
  const auto values = ReadKeys(context, arguments.subspan(1));
  if (!values.ok()) return ReplyStatus(context, values.status());
  context.reply.BeginArray(values->size());
  for (const std::optional<std::string>& value : *values) {
    CountLookup(context, value.has_value());
    value ? context.reply.Value(*value) : context.reply.Null();
  }
}

// Keys and values in turn, from the second argument on; false: the error is replied.
bool CheckPairs(Context& context, Arguments arguments, std::string_view command) {
  if (arguments.size() % 2 == 0) {
    ReplyArityError(context, command);
    return false;
  }
  for (size_t i = 1; i < arguments.size(); i += 2) {
    if (!CheckSizes(context, arguments[i], arguments[i + 1])) return false;
  }
  return true;
}

void MSet(Context& context, Arguments arguments) {
  if (!CheckPairs(context, arguments, "mset")) return;
  {
    KeyWriter writer(context);
    for (size_t i = 1; i < arguments.size(); i += 2) writer.Set(arguments[i], arguments[i + 1]);
  }
  context.reply.Ok();
}

void MSetNx(Context& context, Arguments arguments) {
  if (!CheckPairs(context, arguments, "msetnx")) return;
  KeyWriter writer(context);
  for (size_t i = 1; i < arguments.size(); i += 2) {
    const absl::StatusOr<bool> exists = writer.Exists(arguments[i]);
    if (!exists.ok()) return ReplyStatus(context, exists.status());
    if (*exists) return context.reply.Integer(0);
  }
  for (size_t i = 1; i < arguments.size(); i += 2) writer.Set(arguments[i], arguments[i + 1]);
  context.reply.Integer(1);
}

constexpr Parameter kKey = {.name = "key", .type = Parameter::kKey};
constexpr Parameter kEx = {
    .name = "ex", .type = Parameter::kInteger, .token = "EX", .optional = true};
constexpr Parameter kPx = {
    .name = "px", .type = Parameter::kInteger, .token = "PX", .optional = true};
constexpr Parameter kExAt = {
    .name = "exat", .type = Parameter::kUnixTime, .token = "EXAT", .optional = true};
constexpr Parameter kPxAt = {
    .name = "pxat", .type = Parameter::kUnixTime, .token = "PXAT", .optional = true};

constexpr Parameter Flag(std::string_view name, std::string_view token) {
  return {.name = name, .type = Parameter::kFlag, .token = token, .optional = true};
}

constexpr Parameter kKeyOnly[] = {kKey};
constexpr Parameter kKeys[] = {{.name = "key", .type = Parameter::kKey, .many = true}};
constexpr Parameter kKeyValue[] = {kKey, {.name = "value"}};
constexpr Parameter kItems[] = {{.name = "items", .type = Parameter::kItems, .many = true}};
constexpr Parameter kGetExParameters[] = {kKey, kEx, kPx, kExAt, kPxAt, Flag("persist", "PERSIST")};
constexpr Parameter kSetParameters[] = {kKey,
                                        {.name = "value"},
                                        Flag("nx", "NX"),
                                        Flag("xx", "XX"),
                                        Flag("get", "GET"),
                                        kEx,
                                        kPx,
                                        kExAt,
                                        kPxAt,
                                        Flag("keepttl", "KEEPTTL")};
constexpr Parameter kSetExParameters[] = {
    kKey, {.name = "seconds", .type = Parameter::kInteger}, {.name = "value"}};
constexpr Parameter kPSetExParameters[] = {
    kKey, {.name = "milliseconds", .type = Parameter::kInteger}, {.name = "value"}};

constexpr Command kCommands[] = {
    {.name = "get",
     .arity = 2,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Get the value of a key",
     .parameters = kKeyOnly,
     .run = Get},
    {.name = "getdel",
     .arity = 2,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Get the value of a key and delete it",
     .parameters = kKeyOnly,
     .run = GetDel},
    {.name = "getex",
     .arity = -2,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Get the value of a key and set or remove its expiry time",
     .parameters = kGetExParameters,
     .run = GetEx},
    {.name = "getset",
     .arity = 3,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Set the value of a key and get the old one; see SET with GET",
     .parameters = kKeyValue,
     .run = GetSet},
    {.name = "mget",
     .arity = -2,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = -1,
     .key_step = 1,
     .group = "string",
     .summary = "Get the values of several keys, all of one moment",
     .parameters = kKeys,
     .run = MGet},
    {.name = "mset",
     .arity = -3,
     .flags = kWrite,
     .first_key = 1,
     .last_key = -1,
     .key_step = 2,
     .group = "string",
     .summary = "Set the values of several keys, all or none",
     .parameters = kItems,
     .run = MSet},
    {.name = "msetnx",
     .arity = -3,
     .flags = kWrite,
     .first_key = 1,
     .last_key = -1,
     .key_step = 2,
     .group = "string",
     .summary = "Set the values of several keys if none of them exists",
     .parameters = kItems,
     .run = MSetNx},
    {.name = "psetex",
     .arity = 4,
     .flags = kWrite,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Set the value of a key and its time to live in milliseconds; see SET with PX",
     .parameters = kPSetExParameters,
     .run = PSetEx},
    {.name = "set",
     .arity = -3,
     .flags = kWrite,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Set the value of a key",
     .parameters = kSetParameters,
     .run = Set},
    {.name = "setex",
     .arity = 4,
     .flags = kWrite,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Set the value of a key and its time to live in seconds; see SET with EX",
     .parameters = kSetExParameters,
     .run = SetEx},
    {.name = "setnx",
     .arity = 3,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Set the value of a key if it does not exist; see SET with NX",
     .parameters = kKeyValue,
     .run = SetNx},
};

}  // namespace

std::span<const Command> StringCommands() { return kCommands; }

}  // namespace kvserver
