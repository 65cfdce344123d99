// A ReplyWriter turns one reply into the bytes of a protocol, at once, into the output buffer of
// the connection: nothing is built in between.
//
//   reply.BeginMap(2);
//   reply.Value("keys");   reply.Integer(7);
//   reply.Value("hits");   reply.BeginArray(1);
//   reply.Value("a");
#ifndef KVSERVER_SRC_COMMAND_REPLY_H_
#define KVSERVER_SRC_COMMAND_REPLY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kvserver {

struct Command;

// Every reply is one call, or a Begin with so many elements (of a map: keys and values in turn),
// each of which is a reply. One writer belongs to one connection; used by one thread at a time.
class ReplyWriter {
 public:
  virtual ~ReplyWriter() = default;

  // Where the bytes go from now on.
  void SetOutput(std::string* out) { out_ = out; }
  std::string& output() { return *out_; }

  // Around every reply to a request. A Begin without End may be followed by another Begin, with
  // another output: what it wrote is dropped then.
  virtual void Begin() { error_code_.clear(); }
  virtual void End() {}

  // The code in front of the error that the last reply is, as a whole: "ERR"; "": it is none.
  std::string_view error_code() const { return error_code_; }

  // Which command writes what follows; within EXEC before each of its replies.
  virtual void BeginCommand(const Command& /*command*/) {}

  // Between the reply of a command and End: what the client gives to the next node that it asks
  // (see demands.h). Protocols that have no place for it leave it out.
  virtual void Session(std::string_view /*token*/) {}

  // An error in place of `reply`, which this writer wrote and nobody has seen. It may come between
  // any two requests.
  virtual void ErrorInstead(std::string_view /*reply*/, std::string_view message) {
    Begin();
    Error(message);
    End();
  }

  virtual void Simple(std::string_view word) = 0;    // a fixed word: OK, PONG, QUEUED
  virtual void Error(std::string_view message) = 0;  // "CODE sentence", without line ends
  virtual void Integer(int64_t value) = 0;
  virtual void Double(double value) = 0;
  virtual void Bool(bool value) = 0;
  virtual void Value(std::string_view bytes) = 0;
  virtual void Text(std::string_view text) { Value(text); }  // to be read by people: INFO
  virtual void Null() = 0;                                   // no value
  virtual void NullArray() { Null(); }                       // no list
  virtual void BeginArray(size_t count) = 0;
  virtual void BeginMap(size_t count) = 0;
  virtual void BeginSet(size_t count) { BeginArray(count); }

  // HELLO: which version of RESP is spoken from the next reply on. False: not a RESP connection.
  virtual bool SetRespVersion(int /*version*/) { return false; }
  virtual int resp_version() const { return 0; }

  void Ok() { Simple("OK"); }

 protected:
  // Of an error that is a whole reply.
  void SetErrorCode(std::string_view message) {
    error_code_.assign(message.substr(0, message.find_first_of(" \r\n")));
  }

  std::string* out_ = nullptr;
  std::string error_code_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_REPLY_H_
