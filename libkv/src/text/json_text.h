// Values that are JSON: their fields, and the text in them that is worth indexing.
//
// A value counts as JSON when the whole of it is one valid document (RFC 8259) with an object or an
// array at its top. Depth costs no stack. Of equal names in one object all count.
#ifndef LIBKV_SRC_TEXT_JSON_TEXT_H_
#define LIBKV_SRC_TEXT_JSON_TEXT_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace libkv {

struct JsonLeaf {
  enum class Kind : uint8_t { kString, kNumber, kBool, kNull };
  Kind kind = Kind::kNull;
  std::string_view text;  // a string's characters; a number as written (-0 as 0); true, false, null
  double number = 0;      // of a number
};

// Calls `sink` for every string, number, bool and null of a JSON value, in the order of the
// document. `path` is the names that lead to it joined by dots; an element of an array has the path
// of the array, an element of an array at the top the path "". Views live until the sink returns.
// False, without any call: `value` is not JSON, or holds a number that no double can. Takes time
// and memory in proportion to the value.
bool ForEachJsonLeaf(std::string_view value,
                     absl::FunctionRef<void(std::string_view path, const JsonLeaf& leaf)> sink);

// The text of `value` that is analyzed and embedded: of JSON its strings in the order of the
// document or, with `text_fields` (paths as above), the strings and numbers of these fields in the
// order of `text_fields`, one to a line. Of anything else the value itself; of binary data nothing.
std::string IndexedText(std::string_view value, std::span<const std::string> text_fields);

// The same without a copy of what is not JSON: the result is `value`, or in `*made`, or empty.
std::string_view IndexedTextView(std::string_view value, std::span<const std::string> text_fields,
                                 std::string* made);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_JSON_TEXT_H_
