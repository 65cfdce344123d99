// What the writer makes of replies, byte by byte where it matters.
#include "protocol/http_reply.h"

#include <doctest/doctest.h>

#include <string>

namespace kvserver {
namespace {

std::string BodyOf(const std::string& reply) {
  const size_t end = reply.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  return reply.substr(end + 4);
}

std::string FieldOf(const std::string& reply, const std::string& name) {
  const size_t begin = reply.find("\r\n" + name + ": ");
  if (begin == std::string::npos) return "";
  const size_t value = begin + name.size() + 4;
  return reply.substr(value, reply.find("\r\n", value) - value);
}

void WriteValue(HttpReply& reply) {
  reply.Begin();
  reply.BeginMap(3);
  reply.Value("version");
  reply.Value("0123456789abcdef");
  reply.Value("expires_at");
  reply.Integer(1'700'000'000'000);
  reply.Value("value");
  reply.Value("version");
  reply.End();
}

}  // namespace

TEST_CASE("a value is its bytes, with its version as ETag") {
  HttpReply reply;
  std::string out;
  reply.SetOutput(&out);
  reply.Start({.shape = HttpShape::kValue});
  WriteValue(reply);
  CHECK(out.starts_with("HTTP/1.1 200 OK\r\nDate: "));
  CHECK(BodyOf(out) == "version");
  CHECK(FieldOf(out, "ETag") == "\"0123456789abcdef\"");
  CHECK(FieldOf(out, "X-Expires-At") == "1700000000000");
  CHECK(FieldOf(out, "Content-Length") == "7");
  CHECK(FieldOf(out, "Date").ends_with(" GMT"));
}

TEST_CASE("errors become a status and JSON, whatever they quote") {
  HttpReply reply;
  std::string out;
  reply.SetOutput(&out);
  reply.Start({});
  const auto error = [&](std::string_view message) {
    out.clear();
    reply.Begin();
    reply.Error(message);
    reply.End();
    CHECK(FieldOf(out, "Content-Length") == std::to_string(BodyOf(out).size()));
    return out.substr(9, 3);
  };
  CHECK(error("ERR \"quoted\"\n\x01") == "400");
  CHECK(BodyOf(out) ==
        "{\"status\":\"error\",\"code\":\"ERR\",\"message\":\"\\\"quoted\\\"\\n\\u0001\"}\n");
  CHECK(error("ERR \xff") == "400");
  CHECK(BodyOf(out) == "{\"status\":\"error\",\"code\":\"ERR\",\"message\":\"?\"}\n");
  CHECK(error("no code") == "400");
  CHECK(error("ERR unknown command 'x'") == "404");
  CHECK(error("VERSIONMISMATCH other") == "412");
  CHECK(error("OOM full") == "507");
  CHECK(error("TRYAGAIN later") == "503");
  CHECK(FieldOf(out, "Retry-After") == "1");
  CHECK(error("DATALOSS damaged") == "500");
}

TEST_CASE("an error within a list is an element of it") {
  HttpReply reply;
  std::string out;
  reply.SetOutput(&out);
  reply.Start({});
  reply.Begin();
  reply.BeginArray(2);
  reply.Integer(1);
  reply.Error("ERR two");
  reply.End();
  CHECK(out.starts_with("HTTP/1.1 200 OK"));
  CHECK(BodyOf(out).find("two") != std::string::npos);
}

TEST_CASE("an error in place of an older reply keeps to the framing of that one") {
  // Goal: a write that was answered and then failed is answered anew while a later request, maybe
  // HEAD, is being written. Method: the replies to PUT, GET and HEAD are replaced with the writer
  // set to any other.
  for (const bool later_is_head : {false, true}) {
    CAPTURE(later_is_head);
    HttpReply reply;
    const auto replaced = [&](const HttpReply::Of& of, auto write) {
      std::string old, out;
      reply.SetOutput(&old);
      reply.Start(of);
      write();
      reply.Start({.shape = HttpShape::kStored, .is_head = later_is_head});
      reply.SetOutput(&out);
      reply.ErrorInstead(old, "TRYAGAIN the disk is slow");
      CHECK(out.starts_with("HTTP/1.1 503 "));
      return out;
    };
    const auto stored = [&] {
      reply.Begin();
      reply.BeginMap(1);
      reply.Value("version");
      reply.Value("0123456789abcdef");
      reply.End();
    };
    const auto value = [&] { WriteValue(reply); };
    const std::string put = replaced({.shape = HttpShape::kStored, .closes = true}, stored);
    CHECK(FieldOf(put, "Content-Length") == std::to_string(BodyOf(put).size()));
    CHECK(BodyOf(put).size() > 0);
    CHECK(FieldOf(put, "Connection") == "close");
    const std::string get = replaced({.shape = HttpShape::kValue}, value);
    CHECK(FieldOf(get, "Content-Length") == std::to_string(BodyOf(get).size()));
    CHECK(FieldOf(get, "Connection") == "");
    const std::string head = replaced({.shape = HttpShape::kValue, .is_head = true}, value);
    CHECK(BodyOf(head).empty());
  }
}

TEST_CASE("a reply that is begun twice is written once") {
  // What runs on a worker thread was begun on the I/O thread before.
  HttpReply reply;
  std::string first, second;
  reply.Start({});
  reply.SetOutput(&first);
  reply.Begin();
  reply.SetOutput(&second);
  reply.Begin();
  reply.Integer(7);
  reply.End();
  CHECK(first.empty());
  CHECK(BodyOf(second) == "{\"status\":\"ok\",\"result\":7}\n");
}

}  // namespace kvserver
