#include "protocol/json_value.h"

#include <algorithm>

#include "base/utf8.h"
#include "protocol/json_escape.h"

namespace kvserver {

std::string_view StoredString(std::string_view text, Arena& arena) {
  if (!IsJson(text)) return text;
  std::string quoted;
  AppendJsonString(quoted, text);
  return arena.Copy(quoted);
}

std::string_view StoredForm(const JsonField& value, Arena& arena) {
  return value.kind == JsonField::kString ? StoredString(value.text, arena) : value.text;
}

bool AppendJsonString(std::string& out, std::string_view text) {
  if (!IsUtf8(text)) return false;
  out += '"';
  EscapeJson(out, text);
  out += '"';
  return true;
}

bool AppendStored(std::string& out, std::string_view bytes) {
  if (!IsJson(bytes)) return AppendJsonString(out, bytes);
  const size_t begin = out.size();
  out.append(bytes);
  // Line ends in JSON text stand between tokens only; a reply is one line.
  std::replace_if(
      out.begin() + static_cast<ptrdiff_t>(begin), out.end(),
      [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return true;
}

}  // namespace kvserver
