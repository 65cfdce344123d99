// The members of a JSON object, each with its value as it stands there: for replies that show a
// JSON value as a list of fields.
#ifndef KVSERVER_SRC_BASE_JSON_MEMBERS_H_
#define KVSERVER_SRC_BASE_JSON_MEMBERS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvserver {

struct JsonMember {
  std::string name;
  std::string value;  // of a string what it says; else the JSON text
};

// nullopt: `text` is no JSON object, or one with more than 10,000 members. What is within arrays
// and objects is looked at only as far as it takes to find their end.
std::optional<std::vector<JsonMember>> JsonMembers(std::string_view text);

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_JSON_MEMBERS_H_
