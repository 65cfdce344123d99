// Bytes of RESP2 or RESP3 -> replies, piece by piece as they arrive, without recursion.
//
//   reply := ( "+" | "-" ) text CRLF | ":" integer CRLF | "," number CRLF | "#" ( "t" | "f" ) CRLF
//          | "_" CRLF | "(" digits CRLF
//          | ( "$" | "=" | "!" ) length CRLF bytes CRLF | "$-1" CRLF | "*-1" CRLF
//          | ( "*" | "~" | ">" ) count CRLF reply{count} | ( "%" | "|" ) count CRLF reply{2 count}
//
// Attributes ("|") go before a reply and are dropped; so are pushes (">") that stand for
// themselves.
#ifndef KVSERVER_CLIENT_SRC_REPLY_PARSER_H_
#define KVSERVER_CLIENT_SRC_REPLY_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kvclient/reply.h"

namespace kvclient {

class ReplyParser {
 public:
  static constexpr size_t kLineBytesMax = size_t{64} << 10;

  enum class Result { kReply, kMore, kError };

  // Bounds of all replies from here on, as of a new connection.
  void Reset(size_t bytes_max);
  // Renews the bounds: what was read counts no more.
  void ResetBounds(size_t bytes_max);

  // Takes `used` bytes of `input`, which the caller must not show again: the next call gets those
  // behind them and more. kReply: `reply` is whole. kError: error() says why; Reset it.
  Result Parse(std::string_view input, size_t& used, Reply& reply);

  const std::string& error() const { return error_; }

 private:
  struct Frame {
    Reply reply;
    size_t missing = 0;       // elements still to come
    bool is_dropped = false;  // an attribute, or a push
  };

  Result Token(std::string_view input, size_t& used);
  Result Line(char type, std::string_view text);
  Result Bulk(char type, std::string_view text, std::string_view input, size_t& used);
  Result Begin(char type, std::string_view text);
  Result Finish(Reply reply);
  Result Fail(std::string error);

  std::vector<Frame> frames_;
  Reply done_;
  size_t bytes_left_ = 0, elements_left_ = 0;
  std::string error_;
};

}  // namespace kvclient

#endif  // KVSERVER_CLIENT_SRC_REPLY_PARSER_H_
