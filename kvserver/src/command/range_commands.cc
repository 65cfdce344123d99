// Commands on a part of a value. Those that write cost as much as the whole value is long.
#include <algorithm>
#include <string>

#include "command/arguments.h"
#include "command/byte_range.h"
#include "command/command.h"
#include "command/keyspace.h"

namespace kvserver {
namespace {

void StrLen(Context& context, Arguments arguments) {
  const absl::Status status = ViewKey(context, arguments[1], [&](std::string_view value) {
    context.reply.Integer(static_cast<int64_t>(value.size()));
  });
  if (absl::IsNotFound(status)) return context.reply.Integer(0);
  if (!status.ok()) ReplyStatus(context, status);
}

void GetRange(Context& context, Arguments arguments) {
  const auto first = ReadInteger(context, arguments[2]);
  if (!first) return;
  const auto last = ReadInteger(context, arguments[3]);
  if (!last) return;
  const absl::Status status = ViewKey(context, arguments[1], [&](std::string_view value) {
    if (IsReversed(*first, *last)) return context.reply.Value("");
    const ByteRange range = RangeWithin(*first, *last, value.size());
    context.reply.Value(value.substr(range.begin, range.count));
  });
  if (absl::IsNotFound(status)) return context.reply.Value("");
  if (!status.ok()) ReplyStatus(context, status);
}

void Append(Context& context, Arguments arguments) {
  if (!CheckSizes(context, arguments[1], arguments[2])) return;
  KeyWriter writer(context);
  auto entry = writer.Read(arguments[1]);
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  KeyWriter::Entry whole = *entry ? *std::move(*entry) : KeyWriter::Entry();
  if (whole.value.size() + arguments[2].size() > libkv::kValueBytesMax) {
    return context.reply.Error(kValueTooLong);
  }
  whole.value.append(arguments[2]);
  writer.Set(arguments[1], whole.value, whole.expiry);
  context.reply.Integer(static_cast<int64_t>(whole.value.size()));
}

void SetRange(Context& context, Arguments arguments) {
  const std::string_view part = arguments[3];
  const auto offset = ReadInteger(context, arguments[2]);
  if (!offset) return;
  if (*offset < 0) return context.reply.Error("ERR offset is out of range");
  if (!CheckSizes(context, arguments[1], part)) return;
  KeyWriter writer(context);
  auto entry = writer.Read(arguments[1]);
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  KeyWriter::Entry whole = *entry ? *std::move(*entry) : KeyWriter::Entry();
  if (part.empty()) return context.reply.Integer(static_cast<int64_t>(whole.value.size()));
  if (static_cast<uint64_t>(*offset) > libkv::kValueBytesMax - part.size()) {
    return context.reply.Error(kValueTooLong);
  }
  const auto begin = static_cast<size_t>(*offset);
  whole.value.resize(std::max(whole.value.size(), begin + part.size()));
  whole.value.replace(begin, part.size(), part);
  writer.Set(arguments[1], whole.value, whole.expiry);
  context.reply.Integer(static_cast<int64_t>(whole.value.size()));
}

constexpr Parameter kKey = {.name = "key", .type = Parameter::kKey};
constexpr Parameter kKeyOnly[] = {kKey};
constexpr Parameter kKeyValue[] = {kKey, {.name = "value"}};
constexpr Parameter kRange[] = {kKey,
                                {.name = "start", .type = Parameter::kInteger},
                                {.name = "end", .type = Parameter::kInteger}};
constexpr Parameter kOffsetValue[] = {
    kKey, {.name = "offset", .type = Parameter::kInteger}, {.name = "value"}};

constexpr Command kCommands[] = {
    {.name = "append",
     .arity = 3,
     .flags = kWrite | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Add to the end of the value of a key",
     .parameters = kKeyValue,
     .run = Append},
    {.name = "getrange",
     .arity = 4,
     .flags = kReadOnly,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Get a part of the value of a key",
     .parameters = kRange,
     .run = GetRange},
    {.name = "setrange",
     .arity = 4,
     .flags = kWrite,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Overwrite a part of the value of a key",
     .parameters = kOffsetValue,
     .run = SetRange},
    {.name = "strlen",
     .arity = 2,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Count the bytes of the value of a key",
     .parameters = kKeyOnly,
     .run = StrLen},
    {.name = "substr",
     .arity = 4,
     .flags = kReadOnly,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "string",
     .summary = "Get a part of the value of a key; the same as GETRANGE",
     .parameters = kRange,
     .run = GetRange},
};

}  // namespace

std::span<const Command> RangeCommands() { return kCommands; }

}  // namespace kvserver
