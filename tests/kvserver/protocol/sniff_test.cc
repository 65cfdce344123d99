#include "protocol/sniff.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace kvserver {

TEST_CASE("the first bytes of real clients choose their protocol") {
  const std::vector<std::pair<std::string, Sniffed>> cases = {
      {"*1\r\n$4\r\nPING\r\n", Sniffed::kResp},
      {"PING\r\n", Sniffed::kResp},
      {"get a\n", Sniffed::kResp},
      {"GET / HTTP/1.1\r\nHost: a\r\n", Sniffed::kHttp},
      {"POST /v1/bulk HTTP/1.0\n", Sniffed::kHttp},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Sniffed::kHttp2},
      {"{\"command\":\"GET\"}", Sniffed::kJsonLines},
      {"[", Sniffed::kJsonLines},
      {std::string("\0\0\0\x1a{", 5), Sniffed::kFramedJson},
      {"\x16\x03\x01\x02", Sniffed::kTls},
      {"\x16\x04", Sniffed::kUnknown},
      {"\r\n", Sniffed::kMore},
      {"\r\nPING\r\n", Sniffed::kResp},
      {"\n", Sniffed::kResp},
      {std::string("\r\n\r\n\0\r\nQUIT\n!", 13), Sniffed::kProxy},
      {"\x80", Sniffed::kUnknown},
      {"1", Sniffed::kUnknown},
  };
  for (const auto& [input, expected] : cases) {
    CAPTURE(input);
    CHECK(Sniff(input) == expected);
  }
}

TEST_CASE("the verdict does not depend on how the bytes arrive, and comes within the bound") {
  // Method: every beginning of a stream either waits or says what the whole says.
  const std::vector<std::string> streams = {
      "*1\r\n$4\r\nPING\r\n", "GET /a HTTP/1.1\r\n", "set a HTTP/1.1b\r\n", "PRI * HTTP/2.0\r\n",
      "\r\n*1\r\n",           "\x16\x03\x01",        "{\"a\":1}\n",
  };
  for (const std::string& stream : streams) {
    const Sniffed whole = Sniff(stream);
    for (size_t bytes = 1; bytes <= stream.size(); ++bytes) {
      const Sniffed part = Sniff(stream.substr(0, bytes));
      CAPTURE(stream.substr(0, bytes));
      CHECK((part == Sniffed::kMore || part == whole));
    }
  }
  CHECK(Sniff(std::string(kSniffBytesMax - 1, 'a')) == Sniffed::kMore);
  CHECK(Sniff(std::string(kSniffBytesMax, 'a')) == Sniffed::kUnknown);
}

}  // namespace kvserver
