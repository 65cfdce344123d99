#include "protocol/http_reply.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "base/clock.h"
#include "base/numbers.h"
#include "protocol/http_safety.h"
#include "protocol/json_value.h"

namespace kvserver {
namespace {

constexpr size_t kBodyBytesKept = size_t{1} << 20;

// Nothing that the store holds may become a program in somebody's browser.
constexpr std::string_view kSafetyFields =
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'\r\n";

std::string_view Phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Error";
  }
}

// "CODE sentence" in its two parts; the code is "ERR" if there is none.
std::pair<std::string_view, std::string_view> SplitError(std::string_view message) {
  const size_t space = message.find(' ');
  const std::string_view code = message.substr(0, space);
  const bool is_code = !code.empty() && std::all_of(code.begin(), code.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
  if (!is_code) return {"ERR", message};
  return {code, space == std::string_view::npos ? "" : message.substr(space + 1)};
}

std::string ErrorBody(std::string_view code, std::string_view message) {
  std::string body = R"({"status":"error","code":")" + std::string(code) + R"(","message":)";
  // Messages quote what the client sent, which may be anything.
  if (!AppendJsonString(body, message)) {
    std::string ascii(message);
    for (char& c : ascii) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
    AppendJsonString(body, ascii);
  }
  return body + "}\n";
}

}  // namespace

int StatusOfError(std::string_view message) {
  struct Row {
    std::string_view code;
    int status;
  };
  constexpr Row kRows[] = {
      {"BUSY", 503},       {"BUSYKEY", 409},         {"DATALOSS", 500},        {"EXECABORT", 409},
      {"MISCONF", 503},    {"NOAUTH", 401},          {"NOINDEX", 409},         {"NOPERM", 403},
      {"NOREPLICAS", 503}, {"NOTFOUND", 404},        {"NOTLINEARIZABLE", 501}, {"OOM", 507},
      {"TRYAGAIN", 503},   {"VERSIONMISMATCH", 412}, {"WRONGTYPE", 409},
  };
  const auto [code, sentence] = SplitError(message);
  for (const Row& row : kRows) {
    if (row.code == code) return row.status;
  }
  return sentence.starts_with("unknown command") ? 404 : 400;
}

std::string_view HttpReply::Date() {
  const int64_t now = NowMilliseconds() / 1'000;
  if (now == date_second_) return date_;
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = static_cast<time_t>(now);
  tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  std::snprintf(text, sizeof(text), "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
                kDays[static_cast<size_t>(utc.tm_wday)], utc.tm_mday,
                kMonths[static_cast<size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                utc.tm_min, utc.tm_sec);
  date_ = text;
  date_second_ = now;
  return date_;
}

void HttpReply::Head(int status, std::string_view content_type, size_t body_bytes,
                     std::string_view fields) {
  std::string& out = *out_;
  out += "HTTP/1.1 ";
  AppendInteger(out, status);
  out += ' ';
  out += Phrase(status);
  out += "\r\n";
  out += Date();
  if (status != 204 && status != 304) {
    out += "Content-Length: ";
    AppendInteger(out, static_cast<int64_t>(body_bytes));
    out += "\r\nContent-Type: ";
    out += content_type;
    out += "\r\n";
  }
  out += fields;
  out += kSafetyFields;
  if (of_.closes) {
    out += "Connection: close\r\n";
  } else if (of_.is_old) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

void HttpReply::Answer(int status, std::string_view content_type, std::string_view body,
                       std::string_view fields) {
  error_code_.clear();
  Head(status, content_type, body.size(), fields);
  if (!of_.is_head && status != 204 && status != 304) *out_ += body;
}

void HttpReply::AnswerError(int status, std::string_view code, std::string_view message,
                            std::string_view fields) {
  std::string all(fields);
  if (status == 503) all += "Retry-After: 1\r\n";
  Answer(status, "application/json", ErrorBody(code, message), all);
  SetErrorCode(code);
}

void HttpReply::Begin() {
  ReplyWriter::Begin();
  begin_ = out_->size();
  is_nested_ = is_answered_ = false;
  step_ = 0;
  version_.clear();
  session_.clear();
  expires_at_ = 0;
  body_.clear();
  if (!is_json()) return;
  json_.SetOutput(&body_);
  json_.Expect("");
  json_.Begin();
}

void HttpReply::End() {
  if (is_answered_) return;
  is_answered_ = true;
  const std::string session = session_.empty() ? "" : "X-Session: " + session_ + "\r\n";
  if (is_json()) {
    json_.End();
    Answer(200, "application/json", body_, session + "Cache-Control: no-store\r\n");
    if (body_.capacity() > kBodyBytesKept) body_.shrink_to_fit();
  } else {
    const std::string tag = version_.empty() ? "" : "ETag: \"" + version_ + "\"\r\n";
    Answer(204, "", "", tag + session);
  }
}

// The reply that is replaced may be that of an older request than of_.
void HttpReply::ErrorInstead(std::string_view reply, std::string_view message) {
  const size_t head_end = reply.find("\r\n\r\n");
  const std::string_view head = reply.substr(0, head_end);
  const auto old = of_;
  of_.closes = head.find("\r\nConnection: close") != std::string_view::npos;
  of_.is_old = head.find("\r\nConnection: keep-alive") != std::string_view::npos;
  // An answer to HEAD has no body: so an answer without one gets none, unless it was a 204, which
  // is no answer to HEAD.
  of_.is_head = head_end + 4 == reply.size() && !head.starts_with("HTTP/1.1 204");
  const auto [code, sentence] = SplitError(message);
  AnswerError(StatusOfError(message), code, sentence);
  of_ = old;
}

void HttpReply::Error(std::string_view message) {
  if (is_nested_ && is_json()) return json_.Error(message);
  if (is_answered_) return;
  out_->resize(begin_);
  is_answered_ = true;
  const auto [code, sentence] = SplitError(message);
  AnswerError(StatusOfError(message), code, sentence);
}

// To ask for what is not there is no error: it counts as a miss.
void HttpReply::Missing() {
  is_answered_ = true;
  AnswerError(404, "NOTFOUND", "no such key");
  error_code_.clear();
}

// version, expires_at, value: in this order, so that the header is known before the value is.
void HttpReply::Found(std::string_view value) {
  is_answered_ = true;
  std::string fields = "ETag: \"" + version_ + "\"\r\nCache-Control: no-cache\r\n";
  if (expires_at_ != 0) fields += "X-Expires-At: " + std::to_string(expires_at_) + "\r\n";
  if (!of_.if_match.empty() && !HasTag(of_.if_match, version_, false)) {
    return AnswerError(412, "VERSIONMISMATCH", "the value has version " + version_);
  }
  if (!of_.if_none_match.empty() && HasTag(of_.if_none_match, version_, true)) {
    return Answer(304, "", "", fields);
  }
  Answer(200, "application/octet-stream", value, fields);
}

void HttpReply::Value(std::string_view bytes) {
  if (is_json()) return json_.Value(bytes);
  ++step_;
  if (step_ == 2) version_ = bytes;
  if (step_ == 6 && of_.shape == HttpShape::kValue) Found(bytes);
}

void HttpReply::Integer(int64_t value) {
  if (is_json()) return json_.Integer(value);
  ++step_;
  if (of_.shape == HttpShape::kDeleted && value == 0) return Missing();
  if (step_ == 4) expires_at_ = value;
}

void HttpReply::Null() {
  if (is_json()) return json_.Null();
  ++step_;
  if (!is_nested_) Missing();
}

void HttpReply::BeginMap(size_t count) {
  is_nested_ = true;
  if (is_json()) json_.BeginMap(count);
}

void HttpReply::BeginArray(size_t count) {
  is_nested_ = true;
  if (is_json()) json_.BeginArray(count);
}

void HttpReply::BeginSet(size_t count) {
  is_nested_ = true;
  if (is_json()) json_.BeginSet(count);
}

void HttpReply::Simple(std::string_view word) {
  if (is_json()) json_.Simple(word);
}
void HttpReply::Double(double value) {
  if (is_json()) json_.Double(value);
}
void HttpReply::Bool(bool value) {
  if (is_json()) json_.Bool(value);
}
void HttpReply::Text(std::string_view text) {
  if (is_json()) json_.Text(text);
}
void HttpReply::NullArray() {
  if (is_json()) json_.NullArray();
}

}  // namespace kvserver
