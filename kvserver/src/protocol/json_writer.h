// Replies as JSON objects, written straight into the output.
//
//   {"id":7,"status":"ok","result":[1,"two"]}
//   {"id":8,"status":"error","code":"ERR","message":"no such key"}
//
// Strings are strings, but for those of commands that hold JSON values (see json_binding.h), which
// are shown as these values. Bytes that are not UTF-8 are shown in base64: as the result itself
// under "result_b64", deeper as {"b64":"..."}, as a name within an object as "b64:...". Numbers
// that JSON does not have are the strings "inf", "-inf", "nan".
#ifndef KVSERVER_SRC_PROTOCOL_JSON_WRITER_H_
#define KVSERVER_SRC_PROTOCOL_JSON_WRITER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "command/reply.h"

namespace kvserver {

// Gives a good reply another shape, once it is whole.
struct JsonResult {
  std::string_view name;        // of the member it would be: "result", or "result_b64"
  std::string_view json;        // its text
  bool is_null;                 // there is none, as opposed to a stored null
  bool is_value_bytes = false;  // of a map: its "value" is in base64
};
// Appends members to the object that is open: "name":value, separated by commas.
using JsonShape = void (*)(const JsonResult& result, std::string& out);

class JsonWriter : public ReplyWriter {
 public:
  enum class Framing {
    kLine,    // LF behind each object
    kLength,  // its length in front: 4 bytes, the highest first
  };

  explicit JsonWriter(Framing framing) : framing_(framing) {}

  // What the next reply will be: `id` (JSON text; "": none) is echoed.
  void Expect(std::string_view id, std::string_view result_name = "result",
              JsonShape shape = nullptr);

  // A reply that no command writes.
  void Refuse(std::string_view code, std::string_view message);

  void Begin() override;
  void End() override;
  void BeginCommand(const Command& command) override;
  void Session(std::string_view token) override { session_ = token; }
  void ErrorInstead(std::string_view reply, std::string_view message) override;

  void Simple(std::string_view word) override;
  void Error(std::string_view message) override;
  void Integer(int64_t value) override;
  void Double(double value) override;
  void Bool(bool value) override;
  void Value(std::string_view bytes) override;
  void Text(std::string_view text) override;
  void Null() override;
  void BeginArray(size_t count) override;
  void BeginMap(size_t count) override;

 private:
  struct Level {
    bool is_map;
    size_t left;  // elements to come; of a map names and values
  };

  bool BeginElement();  // false: more than was announced, drop it
  void EndElement();
  bool is_name() const {
    return !levels_.empty() && levels_.back().is_map && levels_.back().left % 2 == 0;
  }
  void Word(std::string_view json);  // a number, true, false, null
  void String(std::string_view bytes, bool is_stored);
  void Open(bool is_map, size_t count);
  void ErrorMembers(std::string_view message);
  void Name(std::string_view name);

  const Framing framing_;

  // Of the request.
  std::string id_;
  std::string_view result_name_ = "result";
  JsonShape shape_ = nullptr;

  // Of the reply.
  size_t begin_ = 0;         // of the object
  size_t result_begin_ = 0;  // of the member with the result
  size_t result_name_bytes_ = 0;
  bool has_result_ = false, is_error_ = false, is_null_ = false, shows_values_ = false;
  bool is_value_bytes_ = false;
  bool is_value_name_ = true;  // the last name of a map, or there is none
  std::vector<Level> levels_;
  std::string session_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_JSON_WRITER_H_
