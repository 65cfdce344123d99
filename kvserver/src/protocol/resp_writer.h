// Replies in RESP, version 2 or 3.
#ifndef KVSERVER_SRC_PROTOCOL_RESP_WRITER_H_
#define KVSERVER_SRC_PROTOCOL_RESP_WRITER_H_

#include "command/reply.h"

namespace kvserver {

class RespWriter : public ReplyWriter {
 public:
  void Begin() override;
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
  bool SetRespVersion(int version) override;
  int resp_version() const override { return version_; }

 private:
  void Line(char type, std::string_view text);
  void Length(char type, size_t length);

  int version_ = 2;
  size_t begin_ = 0;  // of the reply, in the output
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_RESP_WRITER_H_
