#include "reply_parser.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

namespace kvclient {
namespace {

std::optional<int64_t> ParseInteger(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [place, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || place != end) return std::nullopt;
  return value;
}

std::optional<double> ParseNumber(std::string_view text) {
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  if (text == "nan" || text == "-nan") return std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [place, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || place != end) return std::nullopt;
  return value;
}

}  // namespace

void ReplyParser::Reset(size_t bytes_max) {
  frames_.clear();
  error_.clear();
  ResetBounds(bytes_max);
}

void ReplyParser::ResetBounds(size_t bytes_max) {
  bytes_left_ = bytes_max;
  elements_left_ = kReplyElementsMax;
}

ReplyParser::Result ReplyParser::Parse(std::string_view input, size_t& used, Reply& reply) {
  used = 0;
  while (true) {
    size_t taken = 0;
    const Result result = Token(input.substr(used), taken);
    used += taken;
    if (result == Result::kError) return result;
    if (result == Result::kReply) {
      reply = std::exchange(done_, {});
      return result;
    }
    if (taken == 0) return Result::kMore;
  }
}

// One line with what belongs to it; takes nothing when it is not all there.
ReplyParser::Result ReplyParser::Token(std::string_view input, size_t& used) {
  const size_t end = input.substr(0, kLineBytesMax).find('\n');
  if (end == std::string_view::npos) {
    if (input.size() >= kLineBytesMax) return Fail("a line without an end");
    return Result::kMore;
  }
  if (end < 2 || input[end - 1] != '\r') return Fail("a line that does not end as it should");
  const char type = input[0];
  const std::string_view text = input.substr(1, end - 2);
  used = end + 1;
  Result result = Result::kMore;
  if (type == '$' || type == '=' || type == '!') {
    result = Bulk(type, text, input, used);
  } else {
    result = Line(type, text);
  }
  if (result == Result::kError) return result;
  if (used > bytes_left_) return Fail("a reply beyond its bounds");
  bytes_left_ -= used;
  return result;
}

ReplyParser::Result ReplyParser::Line(char type, std::string_view text) {
  switch (type) {
    case '+':
      return Finish(Reply::Word(std::string(text)));
    case '-':
      return Finish(Reply::Error(std::string(text)));
    case '(':
      return Finish(Reply::Bytes(std::string(text)));
    case '_':
      return text.empty() ? Finish(Reply::Nil()) : Fail("a nil with something in it");
    case '#':
      if (text != "t" && text != "f") return Fail("a bool that is neither t nor f");
      return Finish(Reply::Bool(text == "t"));
    case ':': {
      const auto value = ParseInteger(text);
      return value ? Finish(Reply::Integer(*value)) : Fail("a number that is none");
    }
    case ',': {
      const auto value = ParseNumber(text);
      return value ? Finish(Reply::Double(*value)) : Fail("a number that is none");
    }
    default:
      return Begin(type, text);
  }
}

ReplyParser::Result ReplyParser::Bulk(char type, std::string_view text, std::string_view input,
                                      size_t& used) {
  const auto length = ParseInteger(text);
  if (length && *length == -1 && type == '$') return Finish(Reply::Nil());
  if (!length || *length < 0) return Fail("a length that is none");
  const auto bytes = static_cast<size_t>(*length);
  if (bytes > bytes_left_) return Fail("a reply beyond its bounds");
  const size_t begin = used;
  if (input.size() - begin < bytes + 2) {
    used = 0;
    return Result::kMore;
  }
  if (input.substr(begin + bytes, 2) != "\r\n") return Fail("bytes that do not end as they should");
  used = begin + bytes + 2;
  std::string_view value = input.substr(begin, bytes);
  if (type == '!') return Finish(Reply::Error(std::string(value)));
  // Three letters and a colon say what kind of text it is.
  if (type == '=' && value.size() >= 4 && value[3] == ':') value.remove_prefix(4);
  return Finish(Reply::Bytes(std::string(value)));
}

ReplyParser::Result ReplyParser::Begin(char type, std::string_view text) {
  if (std::string_view("*~>%|").find(type) == std::string_view::npos) {
    return Fail("a type that RESP does not have");
  }
  const auto count = ParseInteger(text);
  if (count && *count == -1 && type == '*') return Finish(Reply::Nil());
  if (!count || *count < 0) return Fail("a count that is none");
  const bool is_map = type == '%' || type == '|';
  const auto limit = static_cast<int64_t>(is_map ? elements_left_ / 2 : elements_left_);
  if (*count > limit) return Fail("more elements than a reply may have");
  if (frames_.size() >= kReplyDepthMax) return Fail("arrays within arrays, too deep");
  const bool is_dropped = type == '|' || (type == '>' && frames_.empty());
  Frame frame;
  frame.reply = is_map ? Reply::Map() : Reply::Array();
  frame.missing = static_cast<size_t>(is_map ? 2 * *count : *count);
  frame.is_dropped = is_dropped;
  if (frame.missing == 0) return is_dropped ? Result::kMore : Finish(std::move(frame.reply));
  frames_.push_back(std::move(frame));
  return Result::kMore;
}

// Puts a whole value where it belongs; arrays that it completes are whole values in turn.
ReplyParser::Result ReplyParser::Finish(Reply reply) {
  while (true) {
    if (elements_left_ == 0) return Fail("more elements than a reply may have");
    --elements_left_;
    if (frames_.empty()) {
      done_ = std::move(reply);
      return Result::kReply;
    }
    Frame& frame = frames_.back();
    if (!frame.is_dropped) frame.reply.elements.push_back(std::move(reply));
    if (--frame.missing > 0) return Result::kMore;
    const bool is_dropped = frame.is_dropped;
    reply = std::move(frame.reply);
    frames_.pop_back();
    if (is_dropped) return Result::kMore;
  }
}

ReplyParser::Result ReplyParser::Fail(std::string error) {
  error_ = std::move(error);
  return Result::kError;
}

}  // namespace kvclient
