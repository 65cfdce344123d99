// Replies as a server may send them, whole, in pieces, and damaged.
#include "reply_parser.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace kvclient {
namespace {

using Result = ReplyParser::Result;

constexpr size_t kBytesMax = 1 << 20;

// All replies of `bytes`, which arrive `step` bytes at a time; the last result in `result`.
std::vector<Reply> ParseAll(std::string_view bytes, size_t step, Result& result) {
  ReplyParser parser;
  parser.Reset(kBytesMax);
  std::vector<Reply> replies;
  std::string buffer;
  result = Result::kMore;
  for (size_t at = 0; at < bytes.size(); at += step) {
    buffer += bytes.substr(at, step);
    while (true) {
      size_t used = 0;
      Reply reply;
      result = parser.Parse(buffer, used, reply);
      REQUIRE(used <= buffer.size());
      buffer.erase(0, used);
      if (result != Result::kReply) break;
      replies.push_back(std::move(reply));
    }
    if (result == Result::kError) break;
  }
  return replies;
}

Reply ParseOne(std::string_view bytes) {
  Result result;
  const auto replies = ParseAll(bytes, bytes.size(), result);
  REQUIRE(replies.size() == 1);
  return replies[0];
}

bool IsMalformed(const std::string& bytes) {
  Result result;
  ParseAll(bytes, bytes.size(), result);
  return result == Result::kError;
}

Reply ArrayOf(std::vector<Reply> elements) {
  Reply reply = Reply::Array();
  reply.elements = std::move(elements);
  return reply;
}

}  // namespace

TEST_CASE("every type of RESP2 and RESP3 is read") {
  CHECK(ParseOne("+OK\r\n") == Reply::Word("OK"));
  CHECK(ParseOne("-ERR no\r\n") == Reply::Error("ERR no"));
  CHECK(ParseOne(":-42\r\n") == Reply::Integer(-42));
  CHECK(ParseOne("$5\r\na\r\nbc\r\n") == Reply::Bytes("a\r\nbc"));
  CHECK(ParseOne("$0\r\n\r\n") == Reply::Bytes(""));
  CHECK(ParseOne("$-1\r\n") == Reply::Nil());
  CHECK(ParseOne("*-1\r\n") == Reply::Nil());
  CHECK(ParseOne("_\r\n") == Reply::Nil());
  CHECK(ParseOne(",1.5\r\n") == Reply::Double(1.5));
  CHECK(ParseOne(",-inf\r\n") == Reply::Double(-INFINITY));
  CHECK(std::isnan(ParseOne(",nan\r\n").number));
  CHECK(ParseOne("#t\r\n") == Reply::Bool(true));
  CHECK(ParseOne("(123456789012345678901234567890\r\n") ==
        Reply::Bytes("123456789012345678901234567890"));
  CHECK(ParseOne("=8\r\ntxt:some\r\n") == Reply::Bytes("some"));
  CHECK(ParseOne("!6\r\nERR no\r\n") == Reply::Error("ERR no"));
  CHECK(ParseOne("*0\r\n") == Reply::Array());
  CHECK(ParseOne("~2\r\n:1\r\n*1\r\n_\r\n") ==
        ArrayOf({Reply::Integer(1), ArrayOf({Reply::Nil()})}));
  const Reply map = ParseOne("%1\r\n$1\r\na\r\n:1\r\n");
  CHECK(map.kind == Reply::Kind::kMap);
  REQUIRE(map.Find("a") != nullptr);
  CHECK(*map.Find("a") == Reply::Integer(1));
  CHECK(map.Find("b") == nullptr);
}

TEST_CASE("attributes and pushes are dropped, wherever they stand") {
  CHECK(ParseOne(">2\r\n+message\r\n*1\r\n:1\r\n:7\r\n") == Reply::Integer(7));
  CHECK(ParseOne("|1\r\n+ttl\r\n:9\r\n*2\r\n|1\r\n+a\r\n%1\r\n:1\r\n:2\r\n:3\r\n:4\r\n") ==
        ArrayOf({Reply::Integer(3), Reply::Integer(4)}));
  CHECK(ParseOne("|0\r\n:1\r\n") == Reply::Integer(1));
}

TEST_CASE("what is no reply is told from what is not there yet") {
  for (const std::string bytes : {"?\r\n",
                                  "\r\n",
                                  "+OK\n",
                                  "OK\r\n",
                                  ":\r\n",
                                  ":1x\r\n",
                                  ":99999999999999999999\r\n",
                                  "$-2\r\n",
                                  "$x\r\n",
                                  "$1\r\nabc",
                                  "*-2\r\n",
                                  "*1x\r\n",
                                  "#y\r\n",
                                  "_x\r\n",
                                  ",1,5\r\n",
                                  "=-1\r\n",
                                  "$9223372036854775807\r\n",
                                  "*9223372036854775807\r\n",
                                  "%4611686018427387904\r\n",
                                  "$?\r\n",
                                  "*?\r\n"}) {
    CAPTURE(bytes);
    CHECK(IsMalformed(bytes));
  }
  CHECK(IsMalformed("+" + std::string(ReplyParser::kLineBytesMax, 'x')));
  const std::string whole = "*2\r\n$3\r\nabc\r\n%1\r\n+a\r\n,1.5\r\n";
  for (size_t length = 0; length < whole.size(); ++length) {
    Result result;
    CHECK(ParseAll(whole.substr(0, length), 1 + length, result).empty());
    CHECK(result == Result::kMore);
  }
}

TEST_CASE("arrays nest to the stated depth and no deeper") {
  std::string arrays;
  for (size_t i = 0; i < kReplyDepthMax; ++i) arrays += "*1\r\n";
  CHECK(ParseOne(arrays + ":1\r\n").kind == Reply::Kind::kArray);
  CHECK(IsMalformed("*1\r\n" + arrays + ":1\r\n"));
  for (int i = 0; i < 100'000; ++i) arrays += "*1\r\n";
  CHECK(IsMalformed(arrays));
}

TEST_CASE("bytes and elements of a reply have their bounds") {
  CHECK(IsMalformed("$" + std::to_string(kBytesMax + 1) + "\r\n"));
  CHECK(IsMalformed("*" + std::to_string(kReplyElementsMax + 1) + "\r\n"));
  // Many small ones count as one large one.
  std::string bytes = "*100000\r\n";
  for (int i = 0; i < 100'000; ++i) bytes += "$10\r\n0123456789\r\n";
  CHECK(IsMalformed(bytes));
}

TEST_CASE("damaged replies do no harm, and pieces are read as the whole is") {
  // Goal: no crash, no endless loop, one result however the bytes are cut. Method: a good reply
  // with some bytes changed, parsed at once and a few bytes at a time.
  const std::string good =
      "*4\r\n$3\r\nabc\r\n%2\r\n+a\r\n,1.5\r\n+b\r\n*2\r\n:1\r\n_\r\n~1\r\n#f\r\n|1\r\n+x\r\n+y\r\n"
      "=7\r\ntxt:xyz\r\n+OK\r\n-ERR no\r\n";
  const std::string letters = "*$%~|>=!+-:,#_(0123456789\r\nx?";
  const unsigned seed = 20'261;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (unsigned changes = random() % 4; changes > 0; --changes) {
      const size_t at = random() % bytes.size();
      if (random() % 3 == 0) {
        bytes.erase(at, 1 + random() % 3);
      } else {
        bytes[at] = letters[random() % letters.size()];
      }
    }
    CAPTURE(bytes);
    Result at_once, in_pieces;
    const auto whole = ParseAll(bytes, bytes.size(), at_once);
    const auto pieces = ParseAll(bytes, 1 + random() % 7, in_pieces);
    REQUIRE(at_once == in_pieces);
    REQUIRE(whole == pieces);
  }
}

TEST_CASE("errors become statuses by their first word") {
  CHECK(StatusOf(Reply::Word("OK")).ok());
  CHECK(absl::IsInvalidArgument(StatusOf(Reply::Error("ERR syntax error"))));
  CHECK(absl::IsUnimplemented(StatusOf(Reply::Error("ERR unknown command 'x'"))));
  CHECK(absl::IsFailedPrecondition(StatusOf(Reply::Error("WRONGTYPE no"))));
  CHECK(absl::IsAborted(StatusOf(Reply::Error("EXECABORT no"))));
  CHECK(absl::IsNotFound(StatusOf(Reply::Error("NOTFOUND no"))));
  CHECK(absl::IsDataLoss(StatusOf(Reply::Error("DATALOSS no"))));
  CHECK(absl::IsResourceExhausted(StatusOf(Reply::Error("OOM no"))));
  CHECK(absl::IsUnavailable(StatusOf(Reply::Error("LOADING"))));
  CHECK(absl::IsUnauthenticated(StatusOf(Reply::Error("NOAUTH no"))));
  CHECK(absl::IsUnknown(StatusOf(Reply::Error("ODD no"))));
  CHECK(absl::IsUnknown(StatusOf(Reply::Error(""))));
  CHECK(StatusOf(Reply::Error("ERR syntax error")).message() == "ERR syntax error");
}

}  // namespace kvclient
