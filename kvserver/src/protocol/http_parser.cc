// Beast knows the grammar of a header: method, target, version, names and values. What of it would
// be ambiguous is refused here, before and after; bodies are cut here, without a copy where their
// length is known.
#include "protocol/http_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>

namespace kvserver {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

std::string_view ToStd(string_view text) { return {text.data(), text.size()}; }

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return lower(x) == lower(y);
  });
}

std::optional<uint64_t> ParseLength(std::string_view text) {
  constexpr size_t kDigitsMax = 18;
  if (text.empty() || text.size() > kDigitsMax) return std::nullopt;
  uint64_t length = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  return length;
}

// Every line of a header ends with CRLF, and none begins with a space.
bool LinesAreClean(std::string_view header) {
  for (size_t at = header.find('\n'); at != std::string_view::npos;
       at = header.find('\n', at + 1)) {
    if (at == 0 || header[at - 1] != '\r') return false;
    if (at + 1 < header.size() && (header[at + 1] == ' ' || header[at + 1] == '\t')) return false;
  }
  return true;
}

// Whether the first line has three words, the last of them like HTTP/2.0.
bool NamesVersion(std::string_view header) {
  const std::string_view line = header.substr(0, header.find('\r'));
  const size_t last = line.rfind(' ');
  if (std::count(line.begin(), line.end(), ' ') != 2) return false;
  const std::string_view version = line.substr(last + 1);
  return version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.';
}

bool HasLongLine(std::string_view header) {
  size_t begin = 0;
  while (begin < header.size()) {
    const size_t end = std::min(header.find('\n', begin), header.size());
    if (end - begin > HttpParser::kLineBytesMax) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

// What Beast finds in one header.
class HttpParser::Fields : public http::basic_parser<true> {
 public:
  explicit Fields(HttpRequest& request) : request_(request) {
    header_limit(kHeaderBytesMax + 1);
    body_limit(boost::none);
  }

  size_t lengths = 0, codings = 0, hosts = 0, count = 0;
  std::string_view length, coding, expect, host;

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code&) override {
    request_.method = ToStd(method);
    request_.target = ToStd(target);
    request_.minor_version = version - 10;
  }
  void on_field_impl(http::field name, string_view text, string_view value, error_code&) override {
    ++count;
    switch (name) {
      case http::field::content_length:
        ++lengths;
        length = ToStd(value);
        break;
      case http::field::transfer_encoding:
        ++codings;
        coding = ToStd(value);
        break;
      case http::field::host:
        ++hosts;
        host = ToStd(value);
        break;
      case http::field::expect:
        expect = ToStd(value);
        break;
      case http::field::content_type:
        request_.content_type = ToStd(value);
        break;
      case http::field::accept_encoding:
        request_.accept_encoding = ToStd(value);
        break;
      case http::field::origin:
        request_.origin = ToStd(value);
        break;
      case http::field::if_match:
        request_.if_match = ToStd(value);
        break;
      case http::field::if_none_match:
        request_.if_none_match = ToStd(value);
        break;
      case http::field::unknown:
        if (boost::beast::iequals(text, "x-session")) request_.session = ToStd(value);
        if (boost::beast::iequals(text, "idempotency-key")) request_.idempotency_key = ToStd(value);
        break;
      default:
        break;
    }
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  size_t on_body_impl(string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(uint64_t, string_view, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, string_view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  HttpRequest& request_;
};

HttpParser::Result HttpParser::Fail(int status, std::string_view error) {
  error_status_ = status;
  error_ = error;
  return Result::kError;
}

HttpParser::Result HttpParser::Parse(std::string_view input, size_t& used) {
  used = 0;
  if (state_ == State::kHeader) {
    const Result header = TakeHeader(input, used);
    if (state_ == State::kHeader) return header;
    size_t body_used = 0;
    const Result body = TakeBody(input.substr(used), body_used);
    used += body_used;
    return body == Result::kMore ? header : body;
  }
  return TakeBody(input, used);
}

// Answers kMore or kContinue with another state when the header is complete.
HttpParser::Result HttpParser::TakeHeader(std::string_view input, size_t& used) {
  // Empty lines between requests: some clients send one behind a body.
  if (scanned_ == 0) {
    while (input.substr(used).starts_with("\r\n")) used += 2;
    input.remove_prefix(used);
  }
  const size_t end = input.find("\r\n\r\n", scanned_ < 3 ? 0 : scanned_ - 3);
  if (end == std::string_view::npos) {
    const size_t known = scanned_;
    scanned_ = input == "\r" ? 0 : input.size();
    return CheckUnfinishedHeader(input, known);
  }
  scanned_ = 0;
  header_.assign(input.substr(0, end + 4));
  used += header_.size();
  if (header_.size() > kHeaderBytesMax) return CheckUnfinishedHeader(header_, 0);
  return ReadHeader();
}

// Refuses early what will be too long, or can never become a header. The first `known` bytes were
// looked at before.
HttpParser::Result HttpParser::CheckUnfinishedHeader(std::string_view input, size_t known) {
  if (std::min(input.find('\n'), input.size()) > kLineBytesMax) {
    return Fail(414, "the request line is longer than 8 KiB");
  }
  if (input.size() > kHeaderBytesMax) return Fail(431, "the header is longer than 64 KiB");
  // A client that ends its lines with LF alone would wait for ever.
  const size_t line_end = input.find('\n');
  if (line_end != std::string_view::npos && (line_end == 0 || input[line_end - 1] != '\r')) {
    return Fail(400, "lines must end with CR LF");
  }
  if (input.find("\n\n", known - std::min<size_t>(known, 1)) != std::string_view::npos) {
    return Fail(400, "lines must end with CR LF");
  }
  return Result::kMore;
}

HttpParser::Result HttpParser::ReadHeader() {
  request_ = {};
  if (header_.find("\r\n") > kLineBytesMax) {
    return Fail(414, "the request line is longer than 8 KiB");
  }
  if (HasLongLine(header_)) return Fail(431, "a header line is longer than 8 KiB");
  if (!LinesAreClean(header_)) {
    return Fail(400, "header lines must end with CR LF and not begin with space");
  }
  Fields fields(request_);
  error_code error;
  fields.put(boost::asio::const_buffer(header_.data(), header_.size()), error);
  if (error == http::error::bad_version && NamesVersion(header_)) {
    return Fail(505, "HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  if (error || !fields.is_header_done()) return Fail(400, "the header is malformed");
  if (fields.count > kFieldsMax) return Fail(431, "more than 100 header lines");
  if (fields.lengths > 1) return Fail(400, "more than one Content-Length");
  if (fields.codings > 1) return Fail(400, "more than one Transfer-Encoding");
  if (fields.lengths > 0 && fields.codings > 0) {
    return Fail(400, "Content-Length and Transfer-Encoding exclude each other");
  }
  if (fields.codings > 0 &&
      (request_.minor_version == 0 || !EqualsIgnoringCase(fields.coding, "chunked"))) {
    return Fail(400, "the only Transfer-Encoding known is chunked, under HTTP/1.1");
  }
  if (fields.hosts > 1 || (fields.hosts == 0 && request_.minor_version == 1)) {
    return Fail(400, "there must be one Host header");
  }
  request_.keep_alive = fields.keep_alive();
  request_.host = fields.host;
  if (!SplitTarget()) return Fail(400, "the target of a request is a path or http://host/path");
  if (!fields.expect.empty() && !EqualsIgnoringCase(fields.expect, "100-continue")) {
    return Fail(417, "the only expectation known is 100-continue");
  }
  request_.has_length = fields.lengths > 0 || fields.codings > 0;
  if (fields.codings > 0) {
    chunks_.clear();
    chunked_.emplace(kBodyBytesMax);
    state_ = State::kChunks;
  } else {
    const auto length = fields.lengths > 0 ? ParseLength(fields.length) : uint64_t{0};
    if (!length) return Fail(400, "Content-Length is no decimal number");
    if (*length > kBodyBytesMax) return Fail(413, "the body is longer than 64 MiB");
    length_ = *length;
    state_ = State::kBody;
  }
  const bool waits = !fields.expect.empty() && request_.minor_version == 1 && request_.has_length;
  return waits ? Result::kContinue : Result::kMore;
}

HttpParser::Result HttpParser::TakeBody(std::string_view input, size_t& used) {
  if (state_ == State::kBody) {
    body_seen_ = input.size();
    if (input.size() < length_) return Result::kMore;
    request_.body = input.substr(0, length_);
    used = length_;
  } else {
    switch (chunked_->Take(input, used, chunks_)) {
      case ChunkedBody::Result::kMore:
        body_seen_ = chunks_.size();
        return Result::kMore;
      case ChunkedBody::Result::kMalformed:
        return Fail(400, "the chunked body is malformed");
      case ChunkedBody::Result::kTooLarge:
        return Fail(413, "the body is longer than 64 MiB");
      case ChunkedBody::Result::kDone:
        request_.body = chunks_;
    }
  }
  state_ = State::kHeader;
  return Result::kRequest;
}

// "/path?query", or the same behind "http://host", which then names the host.
bool HttpParser::SplitTarget() {
  constexpr std::string_view kScheme = "http://";
  std::string_view rest = request_.target;
  if (EqualsIgnoringCase(rest.substr(0, kScheme.size()), kScheme)) {
    rest.remove_prefix(kScheme.size());
    const size_t slash = std::min(rest.find_first_of("/?"), rest.size());
    request_.host = rest.substr(0, slash);
    rest.remove_prefix(slash);
    if (rest.empty()) rest = "/";
  }
  if (rest == "*") rest = "/*";  // OPTIONS of the server: no such route
  if (rest.empty() || rest[0] != '/' || rest.find('#') != std::string_view::npos) return false;
  const size_t mark = std::min(rest.find('?'), rest.size());
  request_.path = rest.substr(0, mark);
  request_.query = rest.substr(std::min(mark + 1, rest.size()));
  return true;
}

}  // namespace kvserver
