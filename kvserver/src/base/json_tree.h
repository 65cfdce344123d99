// A JSON value as a tree, for those that put values together: numbers keep their spelling, so
// nothing is lost that a double cannot hold.
#ifndef KVSERVER_SRC_BASE_JSON_TREE_H_
#define KVSERVER_SRC_BASE_JSON_TREE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvserver {

struct JsonTree {
  enum class Kind : uint8_t { kLiteral, kString, kArray, kObject };

  Kind kind = Kind::kLiteral;
  std::string
      text;  // kLiteral: number, true, false or null as it is spelled; kString: what it says
  std::vector<JsonTree> elements;
  std::map<std::string, JsonTree> members;  // of equal names the last one
};

// Bounds: a text with more of either is none for those who ask here.
inline constexpr int kJsonTreeDepthMax = 100;
inline constexpr size_t kJsonTreeValuesMax = 100'000;

// nullopt: `text` is no JSON (RFC 8259; white space around it is allowed), not UTF-8, says half a
// surrogate, or is beyond the bounds. Takes about 120 bytes per value.
std::optional<JsonTree> ParseJsonTree(std::string_view text);

// The one spelling of a value: no white space, members by the bytes of their names, strings with
// the escapes that must be. Numbers stay as they are spelled: 1 and 1.0 are two values.
void AppendJson(std::string& out, const JsonTree& value);
void AppendJsonText(std::string& out, std::string_view text);  // a string, with its quotes

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_JSON_TREE_H_
