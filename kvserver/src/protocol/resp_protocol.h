// RESP, the protocol of Redis: requests by RespParser, replies by RespWriter.
#ifndef KVSERVER_SRC_PROTOCOL_RESP_PROTOCOL_H_
#define KVSERVER_SRC_PROTOCOL_RESP_PROTOCOL_H_

#include "protocol/protocol.h"
#include "protocol/resp_parser.h"
#include "protocol/resp_writer.h"

namespace kvserver {

class RespProtocol : public Protocol {
 public:
  std::string_view name() const override { return "resp"; }

  Next Parse(std::string_view input, size_t& used, Request& request) override {
    switch (parser_.Parse(input, used, request.args)) {
      case RespParser::Result::kRequest:
        return Next::kRequest;
      case RespParser::Result::kEmpty:
        return Next::kAnswered;
      case RespParser::Result::kMore:
        return Next::kMore;
      case RespParser::Result::kError:
        break;
    }
    writer_.Begin();
    writer_.Error("ERR " + parser_.error());
    return Next::kClose;
  }

  ReplyWriter& reply() override { return writer_; }

 private:
  RespParser parser_;
  RespWriter writer_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_RESP_PROTOCOL_H_
