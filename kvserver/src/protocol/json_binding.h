// Binds JSON members to the arguments of a command, by its Parameter rows alone.
//
//   row         {"key"}, {"value"}, {"ex", token "EX", optional}, {"keepttl", kFlag, ...}
//   fields      {"value": "v", "key": "k", "ex": 10}
//   arguments   set k v EX 10
//
// How each type is given: see doc/protocol.md. Besides its own name every parameter that holds
// bytes has the name with "_b64" behind it, for base64.
#ifndef KVSERVER_SRC_PROTOCOL_JSON_BINDING_H_
#define KVSERVER_SRC_PROTOCOL_JSON_BINDING_H_

#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "base/arena.h"
#include "command/command.h"
#include "command/request.h"
#include "protocol/json_reader.h"

namespace kvserver {

// Makes request.args from the members of the object, the command's name first. The arguments are
// views into the fields' text, the command's row and `arena`. InvalidArgument names the member that
// is unknown, missing or of the wrong type. Whether the arguments make sense together is for the
// command.
absl::Status BindJson(std::span<const JsonField> fields, const Command& command, Arena& arena,
                      Request& request);

// The same from the text of a JSON object, which must live as long as the arguments.
absl::Status BindJson(std::string_view json_object, const Command& command, Arena& arena,
                      Request& request);

// Whether the values of this command, in arguments and replies, are JSON values in their stored
// form (json_value.h) rather than plain strings: SET, GET, MGET and their like. In a reply that is
// a map those under the names "value" and "siblings" are.
bool HoldsJsonValues(const Command& command);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_JSON_BINDING_H_
