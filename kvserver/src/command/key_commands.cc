// Commands on keys, whatever their value is.
#include <limits>
#include <string>

#include "base/numbers.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/keyspace.h"

namespace kvserver {
namespace {

void Del(Context& context, Arguments arguments) {
  int64_t deleted = 0;
  {
    KeyWriter writer(context);
    for (const std::string_view key : arguments.subspan(1)) {
      const absl::StatusOr<bool> exists = writer.Exists(key);
      if (!exists.ok()) return ReplyStatus(context, exists.status());
      if (!*exists) continue;
      writer.Delete(key);
      ++deleted;
    }
  }
  context.reply.Integer(deleted);
}

void Exists(Context& context, Arguments arguments) {
  const absl::StatusOr<int64_t> count = CountKeys(context, arguments.subspan(1));
  if (!count.ok()) return ReplyStatus(context, count.status());
  context.reply.Integer(*count);
}

void Type(Context& context, Arguments arguments) {
  const absl::StatusOr<int64_t> count = CountKeys(context, arguments.subspan(1));
  if (!count.ok()) return ReplyStatus(context, count.status());
  context.reply.Simple(*count == 1 ? "string" : "none");
}

void MoveKey(Context& context, Arguments arguments, bool if_missing) {
  const std::string_view source = arguments[1], target = arguments[2];
  KeyWriter writer(context);
  const auto entry = writer.Read(source);
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  if (!*entry) return context.reply.Error("ERR no such key");
  if (source == target) return if_missing ? context.reply.Integer(0) : context.reply.Ok();
  if (!CheckSizes(context, target)) return;
  if (if_missing) {
    const absl::StatusOr<bool> exists = writer.Exists(target);
    if (!exists.ok()) return ReplyStatus(context, exists.status());
    if (*exists) return context.reply.Integer(0);
  }
  const absl::Status status = writer.Copy(source, **entry, target);
  if (!status.ok()) return ReplyStatus(context, status);
  writer.Delete(source);
  if_missing ? context.reply.Integer(1) : context.reply.Ok();
}

void Rename(Context& context, Arguments arguments) { MoveKey(context, arguments, false); }

void RenameNx(Context& context, Arguments arguments) { MoveKey(context, arguments, true); }

// There is one database, number 0.
bool ReadDatabase(Context& context, std::string_view argument) {
  constexpr int64_t kMin = std::numeric_limits<int32_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  const auto database = ReadInteger(context, argument);
  if (!database) return false;
  if (*database == 0) return true;
  if (*database < kMin || *database > kMax) {
    context.reply.Error("ERR value is out of range, value must between -2147483648 and 2147483647");
  } else {
    context.reply.Error("ERR DB index is out of range");
  }
  return false;
}

void Copy(Context& context, Arguments arguments) {
  const std::string_view source = arguments[1], target = arguments[2];
  bool replace = false;
  for (size_t i = 3; i < arguments.size(); ++i) {
    if (IsWord(arguments[i], "replace")) {
      replace = true;
    } else if (IsWord(arguments[i], "db") && i + 1 < arguments.size()) {
      if (!ReadDatabase(context, arguments[++i])) return;
    } else {
      return ReplySyntaxError(context);
    }
  }
  if (source == target) {
    return context.reply.Error("ERR source and destination objects are the same");
  }
  KeyWriter writer(context);
  const auto entry = writer.Read(source);
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  if (!*entry) return context.reply.Integer(0);
  if (!CheckSizes(context, target)) return;
  const absl::StatusOr<bool> exists = writer.Exists(target);
  if (!exists.ok()) return ReplyStatus(context, exists.status());
  if (*exists && !replace) return context.reply.Integer(0);
  const absl::Status status = writer.Copy(source, **entry, target);
  if (!status.ok()) return ReplyStatus(context, status);
  context.reply.Integer(1);
}

void Object(Context& context, Arguments /*arguments*/) {
  constexpr std::string_view kLines[] = {
      "OBJECT <subcommand> <key>. What Redis would say of a value; subcommands are:",
      "ENCODING - int, embstr or raw, by the value's bytes.",
      "FREQ - an error: how often a value is used is not counted.",
      "IDLETIME - 0: when a value was used is not kept.",
      "REFCOUNT - 1.",
  };
  context.reply.BeginArray(std::size(kLines));
  for (const std::string_view line : kLines) context.reply.Simple(line);
}

void ObjectEncoding(Context& context, Arguments arguments) {
  constexpr size_t kEmbeddedBytesMax = 44;  // of Redis
  const absl::Status status = ViewKey(context, arguments[2], [&](std::string_view value) {
    const bool is_short = value.size() <= kEmbeddedBytesMax;
    context.reply.Value(ParseInteger(value) ? "int" : is_short ? "embstr" : "raw");
  });
  if (absl::IsNotFound(status)) return context.reply.Null();
  if (!status.ok()) ReplyStatus(context, status);
}

// Null when there is no such key; otherwise `reply` writes the reply.
void AboutKey(Context& context, std::string_view key, void (*reply)(ReplyWriter& reply)) {
  const std::string_view keys[] = {key};
  const absl::StatusOr<int64_t> count = CountKeys(context, keys);
  if (!count.ok()) return ReplyStatus(context, count.status());
  *count == 0 ? context.reply.Null() : reply(context.reply);
}

void ObjectFreq(Context& context, Arguments arguments) {
  AboutKey(context, arguments[2],
           [](ReplyWriter& reply) { reply.Error("ERR how often a value is used is not counted"); });
}

void ObjectIdleTime(Context& context, Arguments arguments) {
  AboutKey(context, arguments[2], [](ReplyWriter& reply) { reply.Integer(0); });
}

void ObjectRefCount(Context& context, Arguments arguments) {
  AboutKey(context, arguments[2], [](ReplyWriter& reply) { reply.Integer(1); });
}

constexpr Parameter kKeyOnly[] = {{.name = "key", .type = Parameter::kKey}};
constexpr Parameter kKeys[] = {{.name = "key", .type = Parameter::kKey, .many = true}};
constexpr Parameter kTwoKeys[] = {{.name = "key", .type = Parameter::kKey},
                                  {.name = "newkey", .type = Parameter::kKey}};
constexpr Parameter kCopyParameters[] = {
    {.name = "source", .type = Parameter::kKey},
    {.name = "destination", .type = Parameter::kKey},
    {.name = "db", .type = Parameter::kInteger, .token = "DB", .optional = true},
    {.name = "replace", .type = Parameter::kFlag, .token = "REPLACE", .optional = true}};

constexpr Command kCommands[] = {
    {.name = "copy",
     .arity = -3,
     .flags = kWrite,
     .first_key = 1,
     .last_key = 2,
     .key_step = 1,
     .group = "generic",
     .summary = "Set a key to the value and expiry time of another one",
     .parameters = kCopyParameters,
     .run = Copy},
    {.name = "del",
     .arity = -2,
     .flags = kWrite,
     .first_key = 1,
     .last_key = -1,
     .key_step = 1,
     .group = "generic",
     .summary = "Delete keys",
     .parameters = kKeys,
     .run = Del},
    {.name = "exists",
     .arity = -2,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = -1,
     .key_step = 1,
     .group = "generic",
     .summary = "Count how many of the keys exist",
     .parameters = kKeys,
     .run = Exists},
    {.name = "object",
     .arity = -2,
     .flags = kReadOnly,
     .group = "generic",
     .summary = "What Redis would say of a value"},
    {.name = "object|encoding",
     .arity = 3,
     .flags = kReadOnly,
     .first_key = 2,
     .last_key = 2,
     .key_step = 1,
     .group = "generic",
     .summary = "How Redis would keep a value: int, embstr or raw",
     .parameters = kKeyOnly,
     .run = ObjectEncoding},
    {.name = "object|freq",
     .arity = 3,
     .flags = kReadOnly,
     .first_key = 2,
     .last_key = 2,
     .key_step = 1,
     .group = "generic",
     .summary = "How often a value is used: not counted here",
     .parameters = kKeyOnly,
     .run = ObjectFreq},
    {.name = "object|help",
     .arity = 2,
     .flags = 0,
     .group = "generic",
     .summary = "The subcommands of OBJECT",
     .run = Object},
    {.name = "object|idletime",
     .arity = 3,
     .flags = kReadOnly,
     .first_key = 2,
     .last_key = 2,
     .key_step = 1,
     .group = "generic",
     .summary = "How long a value was not used: not kept here, always 0",
     .parameters = kKeyOnly,
     .run = ObjectIdleTime},
    {.name = "object|refcount",
     .arity = 3,
     .flags = kReadOnly,
     .first_key = 2,
     .last_key = 2,
     .key_step = 1,
     .group = "generic",
     .summary = "How often Redis would share a value: always 1",
     .parameters = kKeyOnly,
     .run = ObjectRefCount},
    {.name = "rename",
     .arity = 3,
     .flags = kWrite,
     .first_key = 1,
     .last_key = 2,
     .key_step = 1,
     .group = "generic",
     .summary = "Give a value another key, in place of what that key has",
     .parameters = kTwoKeys,
     .run = Rename},
    {.name = "renamenx",
     .arity = 3,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 2,
     .key_step = 1,
     .group = "generic",
     .summary = "Give a value another key, if that does not exist",
     .parameters = kTwoKeys,
     .run = RenameNx},
    {.name = "touch",
     .arity = -2,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = -1,
     .key_step = 1,
     .group = "generic",
     .summary = "Count how many of the keys exist; the same as EXISTS",
     .parameters = kKeys,
     .run = Exists},
    {.name = "type",
     .arity = 2,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "generic",
     .summary = "Get the type of a value, which is string, or none",
     .parameters = kKeyOnly,
     .run = Type},
    {.name = "unlink",
     .arity = -2,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = -1,
     .key_step = 1,
     .group = "generic",
     .summary = "Delete keys; the same as DEL",
     .parameters = kKeys,
     .run = Del},
};

}  // namespace

std::span<const Command> KeyCommands() { return kCommands; }

}  // namespace kvserver
