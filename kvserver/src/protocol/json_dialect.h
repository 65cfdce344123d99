// What the two JSON protocols call things: the member that names the command, verbs of their own
// with names of their own, and how their replies look. Every command of the table is there besides,
// under its own name.
#ifndef KVSERVER_SRC_PROTOCOL_JSON_DIALECT_H_
#define KVSERVER_SRC_PROTOCOL_JSON_DIALECT_H_

#include <span>
#include <string_view>
#include <vector>

#include "protocol/json_reader.h"
#include "protocol/json_writer.h"

namespace kvserver {

// One row: a verb and the command it stands for. Of several rows with the same name the first one
// counts whose `needs` is there.
struct JsonVerb {
  struct Rename {
    std::string_view from, to;
  };
  std::string_view name;  // in capitals; any case is taken
  std::string_view command;
  std::string_view command_in_multi = "";     // between MULTI and EXEC, whose reply has no shape
  std::span<const Rename> renames = {};       // members; all others keep their names
  std::span<const JsonField> constants = {};  // members, unless the request has them
  std::string_view needs = "";
  std::string_view result_name = "result";
  JsonShape shape = nullptr;
};

struct JsonDialect {
  std::string_view protocol;        // Session::protocol
  std::string_view command_member;  // "command", "cmd"
  JsonWriter::Framing framing;
  std::span<const JsonVerb> verbs;
};

const JsonDialect& LineDialect();
const JsonDialect& FramedDialect();

// The row for `name` in a request with these members; nullptr: no verb of the dialect.
const JsonVerb* FindVerb(const JsonDialect& dialect, std::string_view name,
                         const std::vector<JsonField>& members);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_JSON_DIALECT_H_
