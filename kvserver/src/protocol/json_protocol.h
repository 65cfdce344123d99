// What line JSON and framed JSON share: from the text of one object to a request, and the replies.
#ifndef KVSERVER_SRC_PROTOCOL_JSON_PROTOCOL_H_
#define KVSERVER_SRC_PROTOCOL_JSON_PROTOCOL_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/arena.h"
#include "command/session.h"
#include "protocol/json_dialect.h"
#include "protocol/json_reader.h"
#include "protocol/json_writer.h"
#include "protocol/protocol.h"

namespace kvserver {

class JsonProtocol : public Protocol {
 public:
  static constexpr size_t kObjectBytesMax = size_t{64} << 20;  // the text of one request
  static constexpr size_t kIdBytesMax = 1'024;                 // the text of its "id"

  std::string_view name() const override { return dialect_.protocol; }
  ReplyWriter& reply() override { return writer_; }

 protected:
  JsonProtocol(const JsonDialect& dialect, Session& session)
      : dialect_(dialect), session_(session), writer_(dialect.framing) {}

  // kRequest, or kAnswered if the text is no request: the error is written.
  Next ReadRequest(std::string_view json, Request& request);

  // What came is longer than kObjectBytesMax.
  Next RefuseLength();

 private:
  // Members that belong to the protocol, taken out of fields_.
  struct Envelope {
    const JsonField* id = nullptr;
    const JsonField* command = nullptr;
    const JsonField* durability = nullptr;
    const JsonField* write_level = nullptr;
    const JsonField* read_level = nullptr;
    const JsonField* session = nullptr;
    const JsonField* request_id = nullptr;
    const JsonField* arguments = nullptr;
  };

  absl::Status MakeRequest(Request& request);
  absl::Status TakeId(const JsonField& field);
  absl::Status TakeDurability(const JsonField& field);
  absl::Status TakeDemands(const Envelope& envelope);
  absl::Status TakeArguments(const JsonField& command, const JsonField& arguments,
                             Request& request);
  Next Refuse(std::string_view code, const absl::Status& status);

  const JsonDialect& dialect_;
  Session& session_;
  JsonWriter writer_;
  Arena arena_;                     // of the request at hand
  std::vector<JsonField> fields_;   // its members
  std::vector<JsonField> members_;  // those that are the command's
  std::string id_;                  // as JSON text
  std::optional<libkv::Durability>
      own_durability_;  // the connection's, while a request has another
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_JSON_PROTOCOL_H_
