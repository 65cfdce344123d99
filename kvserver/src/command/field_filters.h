// Values of JSON fields in requests and replies, and the options that ask for them.
//
//   filter := "FIELD" path value            that value
//           | "MIN" path bound              at least
//           | "MAX" path bound              at most
//           | "RANGE" path bound bound      both
//   value  := a JSON number, true, false or null are themselves; '"' text '"' is the text, for one
//             that would be something else; anything else is the text
//   bound  := ["("] value | "*"             "(": without the value itself; "*": none
//
// A bound that is a number asks for numbers, one that is a text for texts, and stands for all that
// begin with it: MAX date 2024-03 has all of March. All filters must hold. MIN and MAX of one field
// make one range.
#ifndef KVSERVER_SRC_COMMAND_FIELD_FILTERS_H_
#define KVSERVER_SRC_COMMAND_FIELD_FILTERS_H_

#include <optional>
#include <string_view>
#include <vector>

#include "command/argument_reader.h"
#include "command/reply.h"
#include "libkv/find.h"

namespace kvserver {

libkv::FieldValue ParseFieldValue(std::string_view text);

// Reads the option if it is FIELD, MIN, MAX or RANGE; false: it is another one.
bool ReadFilter(ArgumentReader& reader, std::vector<libkv::FieldFilter>& filters);

// Sets one side of `range`. False: the bound is of another kind than the other side's.
bool SetFirst(libkv::FieldFilter& range, std::string_view bound);
bool SetLast(libkv::FieldFilter& range, std::string_view bound);

// Bounds on both sides, for a range that has one only: numbers up to infinity, texts from the
// first one.
void CloseRange(libkv::FieldFilter& range);

// Null, true or false, a number, or the text.
void ReplyFieldValue(ReplyWriter& reply, const std::optional<libkv::FieldValue>& value);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_FIELD_FILTERS_H_
