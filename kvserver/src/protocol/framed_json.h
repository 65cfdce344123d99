// Framed JSON: the length in front, either way.
//
//   request := reply := length:u32be object:bytes[length]
//
// A frame that holds no request gets an error, and the next one is read; one that is announced with
// more than kObjectBytesMax ends the connection.
#ifndef KVSERVER_SRC_PROTOCOL_FRAMED_JSON_H_
#define KVSERVER_SRC_PROTOCOL_FRAMED_JSON_H_

#include "protocol/json_protocol.h"

namespace kvserver {

class FramedJson : public JsonProtocol {
 public:
  explicit FramedJson(Session& session) : JsonProtocol(FramedDialect(), session) {}

  Next Parse(std::string_view input, size_t& used, Request& request) override;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_FRAMED_JSON_H_
