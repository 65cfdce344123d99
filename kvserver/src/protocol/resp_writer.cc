#include "protocol/resp_writer.h"

#include "base/numbers.h"

namespace kvserver {

void RespWriter::Line(char type, std::string_view text) {
  *out_ += type;
  out_->append(text);
  out_->append("\r\n");
}

void RespWriter::Length(char type, size_t length) {
  *out_ += type;
  AppendInteger(*out_, static_cast<int64_t>(length));
  out_->append("\r\n");
}

void RespWriter::Begin() {
  ReplyWriter::Begin();
  begin_ = out_->size();
}

void RespWriter::Simple(std::string_view word) { Line('+', word); }

void RespWriter::Error(std::string_view message) {
  if (out_->size() == begin_) SetErrorCode(message);
  const size_t begin = out_->size() + 1;
  Line('-', message);
  // A line end inside would be the end of the reply.
  for (size_t i = begin; i + 2 < out_->size(); ++i) {
    if ((*out_)[i] == '\r' || (*out_)[i] == '\n') (*out_)[i] = ' ';
  }
}

void RespWriter::Integer(int64_t value) {
  *out_ += ':';
  AppendInteger(*out_, value);
  out_->append("\r\n");
}

void RespWriter::Double(double value) {
  if (version_ >= 3) return Line(',', DoubleText(value));
  Value(DoubleText(value));
}

void RespWriter::Bool(bool value) {
  if (version_ >= 3) return Line('#', value ? "t" : "f");
  Integer(value ? 1 : 0);
}

void RespWriter::Value(std::string_view bytes) {
  Length('$', bytes.size());
  out_->append(bytes);
  out_->append("\r\n");
}

void RespWriter::Text(std::string_view text) {
  if (version_ < 3) return Value(text);
  Length('=', text.size() + 4);
  out_->append("txt:");
  out_->append(text);
  out_->append("\r\n");
}

void RespWriter::Null() { out_->append(version_ >= 3 ? "_\r\n" : "$-1\r\n"); }

void RespWriter::NullArray() { out_->append(version_ >= 3 ? "_\r\n" : "*-1\r\n"); }

void RespWriter::BeginArray(size_t count) { Length('*', count); }

void RespWriter::BeginMap(size_t count) {
  if (version_ >= 3) return Length('%', count);
  Length('*', 2 * count);
}

void RespWriter::BeginSet(size_t count) { Length(version_ >= 3 ? '~' : '*', count); }

bool RespWriter::SetRespVersion(int version) {
  version_ = version;
  return true;
}

}  // namespace kvserver
