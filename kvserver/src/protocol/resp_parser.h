// RESP requests: arrays of bulk strings, and lines of words (inline).
//
//   request := "*" count CRLF { "$" length CRLF bytes CRLF }     or     words LF
//
// The parser remembers how far it came, so that a request that arrives in pieces is read once.
#ifndef KVSERVER_SRC_PROTOCOL_RESP_PARSER_H_
#define KVSERVER_SRC_PROTOCOL_RESP_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kvserver {

class RespParser {
 public:
  static constexpr int64_t kArgumentsMax = 1'024 * 1'024;
  static constexpr int64_t kArgumentBytesMax = int64_t{512} << 20;
  static constexpr size_t kRequestBytesMax = size_t{128} << 20;  // twice the largest batch
  static constexpr size_t kLineBytesMax = size_t{64} << 10;

  enum class Result { kRequest, kEmpty, kMore, kError };

  // Reads the request at the start of `input`; the next call gets the same bytes and more after
  // kMore, otherwise those behind `used`. Arguments are views into `input` (inline ones with quotes
  // into the parser). kEmpty: a request without words, which has no reply.
  Result Parse(std::string_view input, size_t& used, std::vector<std::string_view>& arguments);

  const std::string& error() const { return error_; }  // of kError: "Protocol error: ..."

 private:
  struct Piece {
    size_t begin, bytes;
  };

  Result ParseArray(std::string_view input, size_t& used, std::vector<std::string_view>& arguments);
  Result ParseLine(std::string_view input, size_t& used, std::vector<std::string_view>& arguments);
  Result Fail(std::string error);
  // The number on the line at `at_`; moves behind the line.
  enum class Line { kNumber, kWrong, kMore, kTooLong };
  Line ReadNumber(std::string_view input, int64_t& number);

  size_t at_ = 0;         // how far into the request
  int64_t missing_ = -1;  // arguments still to come; -1: the count itself
  int64_t length_ = -1;   // of the argument that comes; -1: not known yet
  std::vector<Piece> pieces_;
  std::vector<std::string> words_;  // of an inline request
  std::string error_;
};

// Cuts a line into words as redis-cli does: "..." with escapes, '...', or up to a space. False: a
// quote is not closed, or something follows it directly.
bool SplitWords(std::string_view line, std::vector<std::string>& words);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_RESP_PARSER_H_
