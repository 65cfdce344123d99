#include "protocol/json_writer.h"

#include <cmath>
#include <utility>

#include "base/arena.h"
#include "base/base64.h"
#include "base/numbers.h"
#include "base/utf8.h"
#include "protocol/json_binding.h"
#include "protocol/json_escape.h"
#include "protocol/json_reader.h"
#include "protocol/json_value.h"

namespace kvserver {
namespace {

constexpr size_t kLengthBytes = 4;
constexpr std::string_view kBase64Suffix = "_b64";

// A string of text that is for people: what is not UTF-8 in it loses its bytes above 127.
void AppendText(std::string& out, std::string_view text) {
  if (AppendJsonString(out, text)) return;
  std::string ascii(text);
  for (char& c : ascii) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  AppendJsonString(out, ascii);
}

// "CODE sentence": the bytes of CODE, 0 if there is none.
size_t CodeBytes(std::string_view message) {
  const size_t space = message.find(' ');
  if (space == std::string_view::npos) return 0;
  for (const char c : message.substr(0, space)) {
    const bool may_be = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!may_be) return 0;
  }
  return space;
}

}  // namespace

void JsonWriter::Expect(std::string_view id, std::string_view result_name, JsonShape shape) {
  id_ = id;
  result_name_ = result_name;
  shape_ = shape;
}

void JsonWriter::Refuse(std::string_view code, std::string_view message) {
  Begin();
  Error(std::string(code) + " " + std::string(message));
  End();
}

void JsonWriter::Begin() {
  ReplyWriter::Begin();
  levels_.clear();
  session_.clear();
  has_result_ = is_error_ = is_null_ = shows_values_ = is_value_bytes_ = false;
  is_value_name_ = true;
  if (framing_ == Framing::kLength) out_->append(kLengthBytes, '\0');
  begin_ = out_->size();
  *out_ += '{';
  if (id_.empty()) return;
  out_->append("\"id\":");
  out_->append(id_);
  *out_ += ',';
}

void JsonWriter::End() {
  if (!has_result_) Null();
  for (; !levels_.empty(); levels_.pop_back()) {  // a command announced more than it wrote
    if (out_->back() == ':') out_->append("null");
    *out_ += levels_.back().is_map ? '}' : ']';
  }
  if (shape_ != nullptr && !is_error_) {
    const std::string member = out_->substr(result_begin_);
    out_->resize(result_begin_);
    const std::string_view text = member;
    // "name":json
    shape_({.name = text.substr(1, result_name_bytes_),
            .json = text.substr(result_name_bytes_ + 3),
            .is_null = is_null_,
            .is_value_bytes = is_value_bytes_},
           *out_);
  }
  if (!session_.empty()) {
    out_->append(",\"session\":");
    AppendJsonString(*out_, session_);
  }
  *out_ += '}';
  if (framing_ == Framing::kLine) {
    *out_ += '\n';
    return;
  }
  const size_t length = out_->size() - begin_;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    (*out_)[begin_ - 1 - i] = static_cast<char>(length >> (8 * i));
  }
}

void JsonWriter::BeginCommand(const Command& command) {
  shows_values_ = HoldsJsonValues(command);
  is_value_name_ = true;
}

void JsonWriter::ErrorInstead(std::string_view reply, std::string_view message) {
  // The id is that of the reply; the request that is being read has another.
  Arena arena;
  std::vector<JsonField> fields;
  if (framing_ == Framing::kLength) reply.remove_prefix(kLengthBytes);
  std::string own_id = std::exchange(id_, {});
  if (ReadJsonObject(reply, arena, fields).ok() && fields[0].name == "id") {
    if (fields[0].kind == JsonField::kString) {
      AppendJsonString(id_, fields[0].text);
    } else {
      id_ = fields[0].text;
    }
  }
  Begin();
  Error(message);
  End();
  id_ = std::move(own_id);
}

void JsonWriter::Name(std::string_view name) {
  *out_ += '"';
  out_->append(name);
  out_->append("\":");
}

bool JsonWriter::BeginElement() {
  if (!levels_.empty()) {
    const char last = out_->back();
    if (last != '[' && last != '{' && last != ':') *out_ += ',';
    return true;
  }
  if (std::exchange(has_result_, true)) return false;
  out_->append("\"status\":\"ok\",");
  result_begin_ = out_->size();
  result_name_bytes_ = result_name_.size();
  Name(result_name_);
  return true;
}

void JsonWriter::EndElement() {
  if (is_name()) *out_ += ':';
  while (!levels_.empty() && --levels_.back().left == 0) {
    *out_ += levels_.back().is_map ? '}' : ']';
    levels_.pop_back();
  }
}

void JsonWriter::Word(std::string_view json) {
  if (!BeginElement()) return;
  const bool quoted = is_name();
  if (quoted) *out_ += '"';
  out_->append(json);
  if (quoted) *out_ += '"';
  EndElement();
}

void JsonWriter::String(std::string_view bytes, bool is_stored) {
  if (!BeginElement()) return;
  if (is_name()) {
    is_value_name_ = bytes == "value" || bytes == "siblings";
    if (!AppendJsonString(*out_, bytes)) {
      out_->append("\"b64:");
      AppendBase64(*out_, bytes);
      *out_ += '"';
    }
  } else if (is_stored ? !AppendStored(*out_, bytes) : !AppendJsonString(*out_, bytes)) {
    is_value_bytes_ |= levels_.size() == 1 && is_value_name_;
    if (levels_.empty()) {
      out_->resize(result_begin_);
      result_name_bytes_ += kBase64Suffix.size();
      Name(std::string(result_name_) + std::string(kBase64Suffix));
    } else {
      out_->append("{\"b64\":");
    }
    *out_ += '"';
    AppendBase64(*out_, bytes);
    *out_ += '"';
    if (!levels_.empty()) *out_ += '}';
  }
  EndElement();
}

void JsonWriter::ErrorMembers(std::string_view message) {
  const size_t code = CodeBytes(message);
  out_->append("\"status\":\"error\",\"code\":\"");
  out_->append(code == 0 ? "ERR" : message.substr(0, code));
  out_->append("\",\"message\":");
  AppendText(*out_, code == 0 ? message : message.substr(code + 1));
}

void JsonWriter::Error(std::string_view message) {
  if (levels_.empty()) {
    if (std::exchange(has_result_, true)) return;
    is_error_ = true;
    SetErrorCode(CodeBytes(message) == 0 ? "ERR" : message);
    ErrorMembers(message);
    return;
  }
  if (is_name()) return String(message, false);
  if (!BeginElement()) return;
  *out_ += '{';
  ErrorMembers(message);
  *out_ += '}';
  EndElement();
}

void JsonWriter::Simple(std::string_view word) { String(word, false); }

void JsonWriter::Integer(int64_t value) {
  if (!BeginElement()) return;
  const bool quoted = is_name();
  if (quoted) *out_ += '"';
  AppendInteger(*out_, value);
  if (quoted) *out_ += '"';
  EndElement();
}

void JsonWriter::Double(double value) {
  if (std::isnan(value)) return String("nan", false);
  if (std::isinf(value)) return String(DoubleText(value), false);
  Word(DoubleText(value));
}

void JsonWriter::Bool(bool value) { Word(value ? "true" : "false"); }

void JsonWriter::Value(std::string_view bytes) { String(bytes, shows_values_ && is_value_name_); }

void JsonWriter::Text(std::string_view text) { String(text, false); }

void JsonWriter::Null() {
  is_null_ = levels_.empty();
  Word("null");
}

void JsonWriter::Open(bool is_map, size_t count) {
  // An array has no room as a name: it stands for itself, and the value is dropped with it.
  if (is_name()) {
    String("", false);
    return Open(is_map, count);
  }
  if (!BeginElement()) return;
  *out_ += is_map ? '{' : '[';
  if (count == 0) {
    *out_ += is_map ? '}' : ']';
    return EndElement();
  }
  levels_.push_back({is_map, is_map ? 2 * count : count});
}

void JsonWriter::BeginArray(size_t count) { Open(false, count); }

void JsonWriter::BeginMap(size_t count) { Open(true, count); }

}  // namespace kvserver
