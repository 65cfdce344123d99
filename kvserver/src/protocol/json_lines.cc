#include "protocol/json_lines.h"

namespace kvserver {

Protocol::Next JsonLines::Parse(std::string_view input, size_t& used, Request& request) {
  used = 0;
  const size_t end = input.find('\n', scanned_);
  const size_t line_bytes = end == std::string_view::npos ? input.size() : end;
  // CR counts as one of the line; the bound has room for it.
  if (line_bytes > kObjectBytesMax + 1) return RefuseLength();
  if (end == std::string_view::npos) {
    scanned_ = input.size();
    return Next::kMore;
  }
  scanned_ = 0;
  used = end + 1;
  const std::string_view line = input.substr(0, end);
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return Next::kAnswered;
  return ReadRequest(line, request);
}

}  // namespace kvserver
