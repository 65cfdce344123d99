// Reads JSON one level at a time: the members of an object or array, each as text. What lies deeper
// is checked but not taken apart, so a large value costs no tree, and numbers keep the digits they
// came with.
//
//   std::vector<JsonField> fields;
//   ReadJsonObject(R"({"key": "a", "value": {"n": 1.50}})", arena, fields);
//   // {"key", kString, "a"}, {"value", kObject, R"({"n":1.50})"}
//
// Strict: RFC 8259, UTF-8 without exception, no lone surrogates, no member name twice in what is
// taken apart. Cost: linear; of memory the fields, and at most once the text.
#ifndef KVSERVER_SRC_PROTOCOL_JSON_READER_H_
#define KVSERVER_SRC_PROTOCOL_JSON_READER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/arena.h"

namespace kvserver {

inline constexpr size_t kJsonDepthMax = 100;               // arrays and objects within each other
inline constexpr size_t kJsonFieldsMax = size_t{1} << 20;  // members of what is taken apart

struct JsonField {
  enum Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
  Kind kind = kNull;
  std::string_view name;  // of an object's member
  std::string_view text;  // of a string its bytes; else the JSON text, without spaces
};

// The members of the object, or elements of the array, that `json` is. The views are into `json`
// and `arena`. InvalidArgument says what is wrong, and where.
absl::Status ReadJsonObject(std::string_view json, Arena& arena, std::vector<JsonField>& fields);
absl::Status ReadJsonArray(std::string_view json, Arena& arena, std::vector<JsonField>& fields);

// `json` as one field, whatever it is.
absl::StatusOr<JsonField> ReadJsonValue(std::string_view json, Arena& arena);

// Whether `text` is JSON, without spaces around it.
bool IsJson(std::string_view text);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_JSON_READER_H_
