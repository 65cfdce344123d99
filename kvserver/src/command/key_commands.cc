// Commands on keys, whatever their value is.
#include "command/command.h"
#include "command/keyspace.h"

namespace kvserver {
namespace {

void Del(Context& context, Arguments arguments) {
  int64_t deleted = 0;
  {
    KeyWriter writer(context);
    for (const std::string_view key : arguments.subspan(1)) {
      if (key.empty() || key.size() > libkv::kKeyBytesMax) continue;  // cannot be there
      const absl::StatusOr<bool> exists = writer.Exists(key);
      if (!exists.ok()) return ReplyStatus(context, exists.status());
      if (!*exists) continue;
      writer.Delete(key);
      ++deleted;
    }
  }
  context.reply.Integer(deleted);
}

constexpr Parameter kKeys[] = {{.name = "key", .type = Parameter::kKey, .many = true}};

constexpr Command kCommands[] = {
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
};

}  // namespace

std::span<const Command> KeyCommands() { return kCommands; }

}  // namespace kvserver
