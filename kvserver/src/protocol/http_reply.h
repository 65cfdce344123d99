// Replies of HTTP/1.1: a status line, a header, a body of known length.
//
// What a command replies becomes a body in one of a few shapes; what it answers as an error becomes
// a status code and {"status": "error", "code": ..., "message": ...}.
#ifndef KVSERVER_SRC_PROTOCOL_HTTP_REPLY_H_
#define KVSERVER_SRC_PROTOCOL_HTTP_REPLY_H_

#include <string>
#include <string_view>

#include "command/reply.h"
#include "protocol/json_writer.h"

namespace kvserver {

// What a route makes of the reply of its command.
enum class HttpShape {
  kJson,     // 200 and {"status": "ok", "result": the reply}
  kValue,    // of KV.GETX: 200, the value as it is, and its version as ETag; 404 for none
  kStored,   // of KV.SETX: 204 and the new ETag
  kDeleted,  // of KV.DELX: 204, or 404 for 0
};

class HttpReply : public ReplyWriter {
 public:
  // What the replies to one request depend on. The views must live as long as the request runs.
  struct Of {
    HttpShape shape = HttpShape::kJson;
    bool is_head = false;
    bool closes = false;  // the connection, behind this reply
    bool is_old = false;  // HTTP/1.0: a connection that stays must be announced
    std::string_view if_match, if_none_match;  // of a request that reads
  };
  void Start(const Of& of) { of_ = of; }
  const Of& of() const { return of_; }

  // A whole reply that is no command's. `fields`: header lines, each with its CR LF.
  void Answer(int status, std::string_view content_type, std::string_view body,
              std::string_view fields = "");
  void AnswerError(int status, std::string_view code, std::string_view message,
                   std::string_view fields = "");

  void Begin() override;
  void End() override;
  void BeginCommand(const Command& command) override { json_.BeginCommand(command); }
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
  void NullArray() override;
  void BeginArray(size_t count) override;
  void BeginMap(size_t count) override;
  void BeginSet(size_t count) override;

 private:
  bool is_json() const { return of_.shape == HttpShape::kJson; }
  void Head(int status, std::string_view content_type, size_t body_bytes, std::string_view fields);
  void Found(std::string_view value);
  void Missing();
  std::string_view Date();

  Of of_;
  // The reply at hand.
  size_t begin_ = 0;        // in the output
  bool is_nested_ = false;  // within an array or a map
  bool is_answered_ = false;
  size_t step_ = 0;  // of a map that is not written as JSON
  std::string version_, session_;
  int64_t expires_at_ = 0;
  JsonWriter json_{JsonWriter::Framing::kLine};
  std::string body_;
  // The Date header, made once per second.
  int64_t date_second_ = -1;
  std::string date_;
};

// The status of an error as commands write them: "CODE sentence".
int StatusOfError(std::string_view message);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_HTTP_REPLY_H_
