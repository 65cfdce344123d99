#include "protocol/resp_parser.h"

#include <algorithm>
#include <cctype>

#include "base/numbers.h"

namespace kvserver {
namespace {

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Reads the escape at line[at] == '\\' of a word in double quotes; moves to its last character.
char Escaped(std::string_view line, size_t& at) {
  if (at + 3 < line.size() && line[at + 1] == 'x' && HexDigit(line[at + 2]) >= 0 &&
      HexDigit(line[at + 3]) >= 0) {
    at += 3;
    return static_cast<char>(HexDigit(line[at - 1]) * 16 + HexDigit(line[at]));
  }
  const char c = line[++at];
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// The rest of a quoted word, `at` behind its quote; false: it is not closed, or not followed by a
// space.
bool ReadQuoted(std::string_view line, size_t& at, char quote, std::string& word) {
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (c == quote) {
      ++at;
      return at == line.size() || IsSpace(line[at]);
    }
    if (quote == '"' && c == '\\' && at + 1 < line.size()) {
      word += Escaped(line, at);
    } else if (quote == '\'' && c == '\\' && at + 1 < line.size() && line[at + 1] == '\'') {
      word += '\'';
      ++at;
    } else {
      word += c;
    }
  }
  return false;
}

}  // namespace

bool SplitWords(std::string_view line, std::vector<std::string>& words) {
  size_t at = 0;
  while (true) {
    while (at < line.size() && IsSpace(line[at])) ++at;
    if (at == line.size()) return true;
    std::string& word = words.emplace_back();
    for (; at < line.size() && !IsSpace(line[at]); ++at) {
      if (line[at] == '"' || line[at] == '\'') {
        const char quote = line[at++];
        if (!ReadQuoted(line, at, quote, word)) return false;
        break;
      }
      if (line[at] == '\0') break;  // a word ends as a C string does
      word += line[at];
    }
    if (at < line.size() && line[at] == '\0') return true;
  }
}

RespParser::Result RespParser::Fail(std::string error) {
  error_ = "Protocol error: " + std::move(error);
  return Result::kError;
}

RespParser::Result RespParser::Parse(std::string_view input, size_t& used,
                                     std::vector<std::string_view>& arguments) {
  used = 0;
  if (input.empty()) return Result::kMore;
  return input[0] == '*' ? ParseArray(input, used, arguments) : ParseLine(input, used, arguments);
}

RespParser::Line RespParser::ReadNumber(std::string_view input, int64_t& number) {
  const std::string_view rest = input.substr(at_);
  const size_t end = rest.find('\r');
  if (end == std::string_view::npos || end + 1 >= rest.size()) {
    return rest.size() > kLineBytesMax ? Line::kTooLong : Line::kMore;
  }
  const std::optional<int64_t> parsed = ParseInteger(rest.substr(1, end - 1));
  if (!parsed) return Line::kWrong;
  number = *parsed;
  at_ += end + 2;
  return Line::kNumber;
}

RespParser::Result RespParser::ParseArray(std::string_view input, size_t& used,
                                          std::vector<std::string_view>& arguments) {
  if (missing_ < 0) {
    at_ = 0;
    int64_t count = 0;
    switch (ReadNumber(input, count)) {
      case Line::kMore:
        return Result::kMore;
      case Line::kTooLong:
        return Fail("too big mbulk count string");
      case Line::kWrong:
        return Fail("invalid multibulk length");
      case Line::kNumber:
        break;
    }
    if (count > kArgumentsMax) return Fail("invalid multibulk length");
    if (count <= 0) {
      used = at_;
      return Result::kEmpty;
    }
    missing_ = count;
    pieces_.clear();
  }
  while (missing_ > 0) {
    if (length_ < 0) {
      if (at_ >= input.size()) return Result::kMore;
      const char first = input[at_];
      if (first != '$') {
        return Fail(std::string("expected '$', got '") +
                    (first == '\r' || first == '\n' ? ' ' : first) + "'");
      }
      int64_t length = 0;
      switch (ReadNumber(input, length)) {
        case Line::kMore:
          return Result::kMore;
        case Line::kTooLong:
          return Fail("too big bulk count string");
        case Line::kWrong:
          return Fail("invalid bulk length");
        case Line::kNumber:
          break;
      }
      if (length < 0 || length > kArgumentBytesMax ||
          at_ + static_cast<size_t>(length) > kRequestBytesMax) {
        return Fail("invalid bulk length");
      }
      length_ = length;
    }
    const auto bytes = static_cast<size_t>(length_);
    if (input.size() < at_ + bytes + 2) return Result::kMore;
    pieces_.push_back({at_, bytes});
    at_ += bytes + 2;
    length_ = -1;
    --missing_;
  }
  arguments.clear();
  for (const Piece& piece : pieces_) arguments.push_back(input.substr(piece.begin, piece.bytes));
  used = at_;
  missing_ = -1;
  return Result::kRequest;
}

RespParser::Result RespParser::ParseLine(std::string_view input, size_t& used,
                                         std::vector<std::string_view>& arguments) {
  const size_t end = input.find('\n');
  if (end == std::string_view::npos) {
    return input.size() > kLineBytesMax ? Fail("too big inline request") : Result::kMore;
  }
  std::string_view line = input.substr(0, end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  words_.clear();
  if (!SplitWords(line, words_)) return Fail("unbalanced quotes in request");
  used = end + 1;
  if (words_.empty()) return Result::kEmpty;
  arguments.assign(words_.begin(), words_.end());
  return Result::kRequest;
}

}  // namespace kvserver
