// Requests of HTTP/1.0 and 1.1, read as strictly as RFC 9112 allows: a request that two readers
// could cut differently is refused, and the connection with it.
//
// Refused with 400: a line that ends in LF alone, a header line that goes on in the next one, space
// before a colon, more than one Content-Length or Transfer-Encoding, both of them, a
// Transfer-Encoding other than "chunked" or under HTTP/1.0, no Host or several under HTTP/1.1.
#ifndef KVSERVER_SRC_PROTOCOL_HTTP_PARSER_H_
#define KVSERVER_SRC_PROTOCOL_HTTP_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libkv/options.h"
#include "protocol/chunked_body.h"

namespace kvserver {

// Views that live until the parser's next call.
struct HttpRequest {
  std::string_view method;
  std::string_view target;  // as sent
  std::string_view path;    // begins with "/", not decoded
  std::string_view query;   // without "?", not decoded
  std::string_view host;    // of the target, else of the header; with the port
  std::string_view content_type, accept_encoding, origin, if_match, if_none_match;
  std::optional<std::string_view> session;  // X-Session
  std::string_view idempotency_key;
  int minor_version = 1;
  bool has_length = false;  // Content-Length or chunked: a body was announced
  bool keep_alive = true;   // what the client wants
  std::string_view body;
};

// One per connection.
class HttpParser {
 public:
  static constexpr size_t kLineBytesMax = 8 << 10;
  static constexpr size_t kHeaderBytesMax = 64 << 10;
  static constexpr size_t kFieldsMax = 100;
  static constexpr size_t kBodyBytesMax = libkv::kValueBytesMax + libkv::kKeyBytesMax;

  enum class Result {
    kRequest,
    kMore,
    kContinue,  // as kMore, and the client waits for 100 (Continue) before it sends the body
    kError,     // see error_status(); nothing behind it can be read
  };

  // Looks at `input`, which begins where the last call left off; `used` bytes need not be shown
  // again, but those of a body stay where they are while its request is used.
  Result Parse(std::string_view input, size_t& used);

  const HttpRequest& request() const { return request_; }
  // Of a request that is not complete: the bytes that the last call has seen.
  size_t unfinished_bytes() const {
    return state_ == State::kHeader ? scanned_ : header_.size() + body_seen_;
  }
  int error_status() const { return error_status_; }
  std::string_view error() const { return error_; }

 private:
  class Fields;

  Result TakeHeader(std::string_view input, size_t& used);
  Result ReadHeader();
  Result TakeBody(std::string_view input, size_t& used);
  Result CheckUnfinishedHeader(std::string_view input, size_t known);
  bool SplitTarget();
  Result Fail(int status, std::string_view error);

  enum class State { kHeader, kBody, kChunks } state_ = State::kHeader;
  size_t scanned_ = 0;  // of an unfinished header
  std::string header_;  // of the request: its views point here
  std::string chunks_;  // a chunked body
  uint64_t length_ = 0;
  size_t body_seen_ = 0;  // of an unfinished body
  std::optional<ChunkedBody> chunked_;
  HttpRequest request_;
  int error_status_ = 0;
  std::string_view error_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_HTTP_PARSER_H_
