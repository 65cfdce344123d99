// Commands on values that are numbers.
#include <cmath>
#include <limits>
#include <string>

#include "base/numbers.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/session.h"

namespace kvserver {
namespace {

// A request with an id that was done before: answered as then. False: it is new, or what it stood
// for was not stored.
bool Repeats(Context& context, KeyWriter& writer, std::string_view key, int64_t amount) {
  const std::string& id = context.session.demands.request_id;
  if (id.empty()) return false;
  RequestIds& ids = context.node.request_ids();
  const auto known = ids.Find(id);
  if (!known) return false;
  const WriteTurns& turns = context.node.turns();
  const bool is_flying = known->hold.turn > turns.last_finished(known->hold.level);
  // In a cluster a node that cannot store ends its part; and one that was not acknowledged may be.
  if (!is_flying && context.node.replication() == nullptr && known->hold.turn != 0 &&
      !writer.writer().FailureOf(known->hold).ok()) {
    ids.Forget(id);
    return false;
  }
  if (known->what != RequestIds::What(key, amount)) {
    context.reply.Error("ERR the request id belongs to another request");
    return true;
  }
  if (is_flying) RaiseHold(context.session, known->hold);
  context.reply.Integer(known->sum);
  return true;
}

// With the write that is under way, and in its commit.
void RememberId(Context& context, KeyWriter& writer, std::string_view key, int64_t amount,
                int64_t sum) {
  const std::string& id = context.session.demands.request_id;
  if (id.empty()) return;
  const WriteTurns::Writer& written = writer.writer();
  RequestIds::Done done;
  done.what = RequestIds::What(key, amount);
  done.sum = sum;
  done.dot = {written.written().actor, written.written().last};
  done.hold = written.hold();
  context.node.request_ids().Remember(
      id, std::move(done),
      [&](std::string_view name, std::string_view value) { writer.PutRow(name, value); });
}

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
  RememberId(context, writer, key, amount, *value);
  context.reply.Integer(*value);
}

void Add(Context& context, std::string_view key, int64_t amount) {
  if (!CheckSizes(context, key)) return;
  KeyWriter writer(context);
  if (Repeats(context, writer, key, amount)) return;
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
  RememberId(context, writer, key, amount, sum);
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
