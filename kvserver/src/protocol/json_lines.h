// Line JSON: one object per line, either way.
//
//   request := object [CR] LF          reply := object LF
//
// Lines of spaces are ignored. What is no request gets an error, and the next line is read; a line
// of more than kObjectBytesMax ends the connection.
#ifndef KVSERVER_SRC_PROTOCOL_JSON_LINES_H_
#define KVSERVER_SRC_PROTOCOL_JSON_LINES_H_

#include "protocol/json_protocol.h"

namespace kvserver {

class JsonLines : public JsonProtocol {
 public:
  explicit JsonLines(Session& session) : JsonProtocol(LineDialect(), session) {}

  Next Parse(std::string_view input, size_t& used, Request& request) override;

 private:
  size_t scanned_ = 0;  // of the input that is not used; there is no LF in it
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_JSON_LINES_H_
