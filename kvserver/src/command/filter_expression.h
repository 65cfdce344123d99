// The FILTER of VSIM: what is said of the attributes of an element, as filters of indexed fields.
//
//   expression := test { ("and" | "&&") test }
//   test       := "(" test ")" | "." path op value
//   op         := "==" | ">" | ">=" | "<" | "<="
//   value      := number | "true" | "false" | '"' text '"' | "'" text "'"
//
// Redis knows more (or, not, in, !=, arithmetic): what is not here is refused, never left out. Of
// texts only == is known.
#ifndef KVSERVER_SRC_COMMAND_FILTER_EXPRESSION_H_
#define KVSERVER_SRC_COMMAND_FILTER_EXPRESSION_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libkv/find.h"

namespace kvserver {

// InvalidArgument: not of that grammar; the message names the byte.
absl::StatusOr<std::vector<libkv::FieldFilter>> ParseFilterExpression(std::string_view text);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_FILTER_EXPRESSION_H_
