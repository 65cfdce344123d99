// Commands on values that are numbers.
#include <cmath>
#include <limits>
#include <string>

#include "base/numbers.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/keyspace.h"
#include "command/node.h"

namespace kvserver {
namespace {

// In a cluster: every node adds to a sum of its own.
void Merge(Context& context, KeyWriter& writer, std::string_view key, int64_t amount) {
  cluster::ClientWrite write;
  write.key = key;
  write.context = cluster::ClientWrite::Context::kCounter;
  write.amount = amount;
  if (const absl::Status status = writer.Replicate(write); !status.ok()) {
    return ReplyStatus(context, status);
  }
  const auto sum = writer.Read(key);
  if (!sum.ok()) return ReplyStatus(context, sum.status());
  const auto value = *sum ? ParseInteger((*sum)->value) : std::nullopt;
  if (!value) return context.reply.Error(kNotAnInteger);
  context.reply.Integer(*value);
}

void Add(Context& context, std::string_view key, int64_t amount) {
  if (!CheckSizes(context, key)) return;
  KeyWriter writer(context);
  const auto entry = writer.Read(key);
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  if (context.node.replication() != nullptr) return Merge(context, writer, key, amount);
  const auto value = *entry ? ParseInteger((*entry)->value) : 0;
  if (!value) return context.reply.Error(kNotAnInteger);
  int64_t sum = 0;
  if (__builtin_add_overflow(*value, amount, &sum)) {
    return context.reply.Error("ERR increment or decrement would overflow");
  }
  std::string text;
  AppendInteger(text, sum);
  writer.Set(key, text, *entry ? (*entry)->expiry : 0);
  context.reply.Integer(sum);
}

void Incr(Context& context, Arguments arguments) { Add(context, arguments[1], 1); }

void Decr(Context& context, Arguments arguments) { Add(context, arguments[1], -1); }

void IncrBy(Context& context, Arguments arguments) {
  const auto amount = ReadInteger(context, arguments[2]);
  if (amount) Add(context, arguments[1], *amount);
}

void DecrBy(Context& context, Arguments arguments) {
  const auto amount = ReadInteger(context, arguments[2]);
  if (!amount) return;
  if (*amount == std::numeric_limits<int64_t>::min()) {
    return context.reply.Error("ERR decrement would overflow");
  }
  Add(context, arguments[1], -*amount);
}

void IncrByFloat(Context& context, Arguments arguments) {
  if (!CheckSizes(context, arguments[1])) return;
  KeyWriter writer(context);
  const auto entry = writer.Read(arguments[1]);
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  const auto value = *entry ? ParseLongDouble((*entry)->value) : 0;
  const auto amount = ParseLongDouble(arguments[2]);
  if (!value || !amount) return context.reply.Error("ERR value is not a valid float");
  const long double sum = *value + *amount;
  if (!std::isfinite(sum)) {
    return context.reply.Error("ERR increment would produce NaN or Infinity");
  }
  const std::string text = LongDoubleText(sum);
  writer.Set(arguments[1], text, *entry ? (*entry)->expiry : 0);
  context.reply.Value(text);
}

constexpr Parameter kKey = {.name = "key", .type = Parameter::kKey};
constexpr Parameter kKeyOnly[] = {kKey};
constexpr Parameter kIncrement[] = {kKey, {.name = "increment", .type = Parameter::kInteger}};
constexpr Parameter kDecrement[] = {kKey, {.name = "decrement", .type = Parameter::kInteger}};
constexpr Parameter kFloat[] = {kKey, {.name = "increment", .type = Parameter::kNumber}};

constexpr Command kCommands[] = {
    {.name = "decr",
     .arity = 2,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Decrement the integer value of a key by one",
     .parameters = kKeyOnly,
     .run = Decr},
    {.name = "decrby",
     .arity = 3,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Subtract a number from the integer value of a key",
     .parameters = kDecrement,
     .run = DecrBy},
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
    {.name = "incrby",
     .arity = 3,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Add a number to the integer value of a key",
     .parameters = kIncrement,
     .run = IncrBy},
    {.name = "incrbyfloat",
     .arity = 3,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Add a number to the decimal value of a key",
     .parameters = kFloat,
     .run = IncrByFloat},
};

}  // namespace

std::span<const Command> CounterCommands() { return kCommands; }

}  // namespace kvserver
