// What the parser takes, in pieces of any size, and which shapes of request smuggling it refuses.
#include "protocol/http_parser.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "protocol/http_safety.h"
#include "protocol/url_text.h"

namespace kvserver {
namespace {

struct Seen {
  std::vector<std::string> requests;  // "METHOD path?query [body]"
  int error = 0;
  int continues = 0;
  bool is_complete = true;  // nothing unfinished is left
};

// Shows `bytes` to a parser in pieces that end at the given places, as a connection does.
Seen Read(std::string_view bytes, const std::vector<size_t>& ends = {}) {
  Seen seen;
  HttpParser parser;
  std::string input;
  size_t begin = 0;
  std::vector<size_t> all = ends;
  all.push_back(bytes.size());
  for (const size_t end : all) {
    input.append(bytes.substr(begin, end - begin));
    begin = end;
    while (!input.empty()) {
      // A copy in a block of its own: a read beyond the end is found by the sanitizer.
      const std::string piece(input);
      size_t used = 0;
      const HttpParser::Result result = parser.Parse(piece, used);
      REQUIRE(used <= piece.size());
      if (result == HttpParser::Result::kError) {
        seen.error = parser.error_status();
        CHECK(!parser.error().empty());
        return seen;
      }
      if (result == HttpParser::Result::kRequest) {
        const HttpRequest& r = parser.request();
        std::string line = std::string(r.method) + " " + std::string(r.path);
        if (!r.query.empty()) line += "?" + std::string(r.query);
        if (!r.body.empty()) line += " " + std::string(r.body);
        seen.requests.push_back(line);
      }
      input.erase(0, used);
      if (result == HttpParser::Result::kContinue) ++seen.continues;
      if (result != HttpParser::Result::kRequest) break;
    }
  }
  seen.is_complete = input.empty();
  return seen;
}

int ErrorOf(std::string_view bytes) { return Read(bytes).error; }

constexpr std::string_view kPipeline =
    "GET /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\n"
    "PUT /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
    "\r\n"  // some clients send an empty line behind a body
    "POST /c HTTP/1.1\r\nhost:h\r\nTransfer-Encoding: Chunked\r\n\r\n"
    "3\r\nabc\r\n2;name=\"v\"\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
    "DELETE http://other/d HTTP/1.1\r\nHost: h\r\n\r\n"
    "HEAD / HTTP/1.0\r\n\r\n";

const std::vector<std::string> kPipelineRequests = {"GET /a?x=1", "PUT /b hello", "POST /c abcde",
                                                    "DELETE /d", "HEAD /"};

}  // namespace

TEST_CASE("requests of a pipeline are found wherever the pieces of the input end") {
  CHECK(Read(kPipeline).requests == kPipelineRequests);
  std::vector<size_t> every;
  for (size_t i = 1; i < kPipeline.size(); ++i) {
    CAPTURE(i);
    const Seen seen = Read(kPipeline, {i});
    CHECK(seen.requests == kPipelineRequests);
    CHECK(seen.error == 0);
    every.push_back(i);
  }
  CHECK(Read(kPipeline, every).requests == kPipelineRequests);
}

TEST_CASE("requests that two readers could cut differently are refused") {
  const std::string begin = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::string smuggled = "\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::vector<std::string> fields = {
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nContent-Length: 6\r\n",
      "Content-Length: 5, 5\r\n",
      "Content-Length: +5\r\n",
      "Content-Length: -5\r\n",
      "Content-Length: 0x5\r\n",
      "Content-Length: 5 5\r\n",
      "Content-Length:\r\n",
      "Content-Length: 99999999999999999999999\r\n",
      "Content-Length : 5\r\n",
      "Transfer-Encoding : chunked\r\n",
      "Transfer-Encoding: xchunked\r\n",
      "Transfer-Encoding: chunked, identity\r\n",
      "Transfer-Encoding: gzip, chunked\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: identity\r\n",
      "Transfer-Encoding: \x0b"
      "chunked\r\n",
      " Transfer-Encoding: chunked\r\n",
      "X: y\r\n Transfer-Encoding: chunked\r\n",
      "X: y\r\n\tfolded\r\n",
      "X: y\nTransfer-Encoding: chunked\r\n",
      "X: y\rTransfer-Encoding: chunked\r\n",
      "X: y\r\r\nTransfer-Encoding: chunked\r\n",
      "Host: other\r\n",
      "X\r\n",
      ": y\r\n",
      "X: \x01\r\n",
      "X y: z\r\n",
  };
  for (const std::string& field : fields) {
    CAPTURE(field);
    const Seen seen = Read(begin + field + smuggled);
    CHECK(seen.error == 400);
    CHECK(seen.requests.empty());
  }
  CHECK(ErrorOf("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
  CHECK(ErrorOf("GET / HTTP/1.1\r\n\r\n") == 400);  // no Host
  CHECK(ErrorOf("GET / HTTP/1.1\nHost: h\n\n") == 400);
  CHECK(ErrorOf("GET / HTTP/1.1\r\nHost: h\n\n") == 400);
  CHECK(ErrorOf("GET relative HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(ErrorOf("GET / /x HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(ErrorOf("GET  / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(ErrorOf("GET / HTTP/2.0\r\nHost: h\r\n\r\n") != 0);
  CHECK(ErrorOf("GET / HTTP/1.1 \r\nHost: h\r\n\r\n") == 400);
  CHECK(ErrorOf("GET / HTTP/1.1\r\nHost: h\r\nExpect: miracles\r\n\r\n") == 417);
}

TEST_CASE("chunked bodies are read strictly") {
  const std::string begin = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(Read(begin + "A\r\n0123456789\r\n0\r\n\r\n").requests.size() == 1);
  for (const std::string_view body :
       {"\r\n", "x\r\n", "-1\r\n", "+1\r\na\r\n", " 1\r\na\r\n", "1 \r\na\r\n", "1\na\r\n0\r\n\r\n",
        "1\r\nab\r\n", "1\r\na\n0\r\n\r\n", "0x1\r\na\r\n", "000000001\r\na\r\n",
        "FFFFFFFFFFFFFFFF\r\n", "0\r\n\n", "0\r\nX: y\nZ: z\r\n\r\n", "1;\x01\r\na\r\n"}) {
    CAPTURE(body);
    CHECK(ErrorOf(begin + std::string(body)) == 400);
  }
  CHECK(ErrorOf(begin + "FFFFFFFF\r\n") == 413);
  CHECK(ErrorOf(begin + "1;" + std::string(300, 'x') + "\r\na\r\n") == 400);
  CHECK(ErrorOf(begin + "0\r\n" + std::string(10'000, 'x')) == 400);
}

TEST_CASE("what is too long is refused before it is read") {
  CHECK(ErrorOf("GET /" + std::string(9'000, 'x')) == 414);
  CHECK(ErrorOf("GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n") == 414);
  const std::string begin = "GET / HTTP/1.1\r\nHost: h\r\n";
  CHECK(ErrorOf(begin + "X: " + std::string(9'000, 'x') + "\r\n\r\n") == 431);
  CHECK(ErrorOf(begin + "X: " + std::string(70'000, 'x')) == 431);
  std::string many = begin;
  for (int i = 0; i < 120; ++i) many += "X: y\r\n";
  CHECK(ErrorOf(many + "\r\n") == 431);
  CHECK(ErrorOf("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 68000000\r\n\r\n") == 413);
}

TEST_CASE("who waits for 100 (Continue) is told once, when the body is not there yet") {
  const std::string head =
      "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  const Seen waiting = Read(head + "ab", {head.size(), head.size() + 1});
  CHECK(waiting.continues == 1);
  CHECK(waiting.requests == std::vector<std::string>{"PUT / ab"});
  CHECK(Read(head + "ab").continues == 0);
}

TEST_CASE("no bytes make the parser read where nothing is") {
  // Method: good pipelines with a few bytes changed, removed or doubled, shown in random pieces.
  const uint64_t seed = 20;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  size_t refused = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::string bytes(kPipeline);
    for (size_t changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t at = random() % bytes.size();
      constexpr std::string_view kBytes = "\r\n :;0\tz\xff";
      if (random() % 3 == 0) {
        bytes.erase(at, 1 + random() % 4);
      } else if (random() % 2 == 0) {
        bytes.insert(at, 1, kBytes[random() % kBytes.size()]);
      } else {
        bytes[at] = static_cast<char>(random());
      }
    }
    const size_t cut = random() % (bytes.size() + 1);
    const Seen whole = Read(bytes), pieces = Read(bytes, {cut});
    CAPTURE(bytes);
    CHECK(whole.requests == pieces.requests);
    CHECK((whole.error == 0) == (pieces.error == 0));
    refused += whole.error != 0 ? 1 : 0;
  }
  CHECK(refused > 500);
}

TEST_CASE("URLs are decoded, and nothing but correct ones") {
  CHECK(PercentDecode("a%20b%2Fc+d") == "a b/c+d");
  CHECK(PercentDecode("%00%ff") == std::string("\0\xff", 2));
  CHECK(!PercentDecode("%"));
  CHECK(!PercentDecode("a%2"));
  CHECK(!PercentDecode("%zz"));
  const auto query = ParseQuery("a=1+2&b&c=%26&&d=x=y");
  REQUIRE(query);
  CHECK(*FindParameter(*query, "a") == "1 2");
  CHECK(FindParameter(*query, "b")->empty());
  CHECK(*FindParameter(*query, "c") == "&");
  CHECK(*FindParameter(*query, "d") == "x=y");
  CHECK(FindParameter(*query, "e") == nullptr);
  CHECK(!ParseQuery("a=1&a=2"));
}

TEST_CASE("hosts: addresses, localhost and what was allowed; origins: the same host and port") {
  const std::string allowed[] = {"db.example"};
  for (const char* host : {"127.0.0.1", "127.0.0.1:80", "10.1.2.3:7411", "[::1]", "[::1]:7411",
                           "localhost", "LOCALHOST:1", "a.localhost", "db.example:7411"}) {
    CAPTURE(host);
    CHECK(IsHostAllowed(host, allowed));
  }
  for (const char* host : {"", "evil.example", "db.example.evil", "xdb.example", "127.0.0.1.evil",
                           "[::1", "[evil]", "::1", "localhost:x", "evil.localhost.example",
                           "1.2.3", "127.0.0.1:123456", "user@127.0.0.1"}) {
    CAPTURE(host);
    CHECK_FALSE(IsHostAllowed(host, allowed));
  }
  CHECK(IsSameOrigin("http://127.0.0.1:7411", "127.0.0.1:7411"));
  CHECK_FALSE(IsSameOrigin("http://127.0.0.1:7412", "127.0.0.1:7411"));
  CHECK_FALSE(IsSameOrigin("null", "127.0.0.1:7411"));
  CHECK(IsMediaType("Application/JSON; charset=utf-8", "application/json"));
  CHECK_FALSE(IsMediaType("text/plain;application/json", "application/json"));
}

TEST_CASE("lists of entity tags are searched") {
  CHECK(HasTag("*", "a", false));
  CHECK(HasTag("\"a\"", "a", false));
  CHECK(HasTag("\"b\" , \"a\"", "a", false));
  CHECK(HasTag("W/\"a\"", "a", true));
  CHECK_FALSE(HasTag("W/\"a\"", "a", false));
  CHECK_FALSE(HasTag("a", "a", true));
  CHECK_FALSE(HasTag("", "a", true));
  CHECK_FALSE(HasTag("\"", "a", true));
  CHECK_FALSE(HasTag("\"ab\"", "a", true));
}

TEST_CASE("of an entity tag what stands behind a dot does not count") {
  CHECK(HasTag("\"a.one\"", "a.two", false));
  CHECK(HasTag("\"a\"", "a.two", false));
  CHECK(HasTag("\"b\", W/\"a.one\"", "a", true));
  CHECK_FALSE(HasTag("\"b.two\"", "a.two", false));
  CHECK_FALSE(HasTag("\".a\"", "a.two", false));
}

}  // namespace kvserver
