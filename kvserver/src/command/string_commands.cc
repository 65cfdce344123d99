// Commands on string values.
#include <string>

#include "base/numbers.h"
#include "command/command.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/session.h"

namespace kvserver {
namespace {

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

void Set(Context& context, Arguments arguments) {
  if (!CheckSizes(context, arguments[1], arguments[2])) return;
  {
    KeyWriter writer(context);
    writer.Set(arguments[1], arguments[2]);
  }
  context.reply.Ok();
}

void Incr(Context& context, Arguments arguments) {
  if (!CheckSizes(context, arguments[1])) return;
  KeyWriter writer(context);
  const auto entry = writer.Read(arguments[1]);
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  const auto value = *entry ? ParseInteger((*entry)->value) : 0;
  if (!value) return context.reply.Error("ERR value is not an integer or out of range");
  int64_t sum = 0;
  if (__builtin_add_overflow(*value, 1, &sum)) {
    return context.reply.Error("ERR increment or decrement would overflow");
  }
  std::string text;
  AppendInteger(text, sum);
  writer.Set(arguments[1], text, *entry ? (*entry)->expiry : 0);
  context.reply.Integer(sum);
}

constexpr Parameter kKeyOnly[] = {{.name = "key", .type = Parameter::kKey}};
constexpr Parameter kSetParameters[] = {{.name = "key", .type = Parameter::kKey},
                                        {.name = "value"}};

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
    {.name = "incr",
     .arity = 2,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Increment the integer value of a key by one",
     .parameters = kKeyOnly,
     .run = Incr},
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
};

}  // namespace

std::span<const Command> StringCommands() { return kCommands; }

}  // namespace kvserver
