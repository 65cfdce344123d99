// JSON values as the bytes that are stored, and back.
//
// A string is stored as its bytes, so that clients of all protocols see text as text; any other
// value as its JSON text. A string whose bytes would be read as JSON is stored as JSON text too,
// in quotes: so the value that comes back equals the one that was stored, in its type as well.
//
//   JSON        stored bytes (what a Redis client sees)
//   "hello"     hello
//   5           5
//   "5"         "5"
//   {"a": [1]}  {"a":[1]}
//   "{}"        "{}"
//   null        null
//
// The way back: bytes that are JSON, without spaces around, are that value; other UTF-8 is a
// string; other bytes have no JSON value and are shown in base64.
#ifndef KVSERVER_SRC_PROTOCOL_JSON_VALUE_H_
#define KVSERVER_SRC_PROTOCOL_JSON_VALUE_H_

#include <string>
#include <string_view>

#include "base/arena.h"
#include "protocol/json_reader.h"

namespace kvserver {

// What is stored for the value; views into the field or `arena`.
std::string_view StoredForm(const JsonField& value, Arena& arena);

// What is stored for the string `text`.
std::string_view StoredString(std::string_view text, Arena& arena);

// Appends a JSON string, with its quotes; false, and nothing appended, if `text` is not UTF-8.
bool AppendJsonString(std::string& out, std::string_view text);

// Appends the value that the stored bytes are, on one line; false, and nothing appended, if they
// have none.
bool AppendStored(std::string& out, std::string_view bytes);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_JSON_VALUE_H_
