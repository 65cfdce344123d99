// How kv prints: results to stdout, errors to stderr, both as a table, as JSON, or plainly.
//
// table   for people: columns, no control characters, highlights in colour on a terminal
// json    one JSON value per result; of scan one line per key. Bytes that are no UTF-8 stand under
//         NAME_b64, or, where there is no name, as {"b64": "..."}. An error is
//         {"error":{"code":"NOT_FOUND","message":"..."}}, on stderr
// plain   for scripts: values byte for byte, fields separated by tabs
#ifndef KVSERVER_CLI_OUTPUT_H_
#define KVSERVER_CLI_OUTPUT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "backend.h"

namespace kvcli {

enum class Format { kTable, kJson, kPlain };

class Output {
 public:
  Output(Format format, bool is_terminal) : format_(format), is_terminal_(is_terminal) {}

  Format format() const { return format_; }

  // The value of a key. Plain: its bytes and nothing else, but a line end on a terminal.
  void Value(std::string_view key, std::string_view value) const;
  // One key of a scan, with its value if there is one.
  void Line(const Record& record, bool with_value) const;
  // What search, similar and hybrid answer. Plain: KEY TAB SCORE.
  void Hits(const Reply& reply) const;
  // Anything else.
  void Result(const Reply& reply) const;

  void Error(const absl::Status& status) const;
  void Error(std::string_view code, std::string_view message) const;

 private:
  void Table(const Reply& reply) const;
  void Plain(const Reply& reply) const;
  std::string Excerpt(const Reply& excerpt) const;

  const Format format_;
  const bool is_terminal_;
};

// `reply` as JSON.
void AppendJson(std::string& out, const Reply& reply);

// `reply` as people read it in a shell: "text", (integer) 1, numbered lists.
std::string Readable(const Reply& reply);

// Writes to stdout. False: nobody reads it any more, or the disk is full.
bool Print(std::string_view bytes);

}  // namespace kvcli

#endif  // KVSERVER_CLI_OUTPUT_H_
