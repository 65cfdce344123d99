#include "protocol/chunked_body.h"

#include <algorithm>

namespace kvserver {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsText(char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); }

}  // namespace

ChunkedBody::Result ChunkedBody::Take(std::string_view input, size_t& used, std::string& body) {
  used = 0;
  while (used < input.size() && state_ != State::kEnd) {
    if (state_ != State::kData) {
      if (!TakeByte(input[used++])) return Result::kMalformed;
      if (state_ == State::kData && chunk_ > bytes_max_ - std::min(bytes_max_, body.size())) {
        return Result::kTooLarge;
      }
      continue;
    }
    const size_t bytes = std::min<uint64_t>(chunk_, input.size() - used);
    body.append(input.substr(used, bytes));
    used += bytes;
    chunk_ -= bytes;
    if (chunk_ == 0) state_ = State::kDataEnd;
  }
  return state_ == State::kEnd ? Result::kDone : Result::kMore;
}

// Everything but the data. False: malformed.
bool ChunkedBody::TakeByte(char c) {
  switch (state_) {
    case State::kSize:
      if (const int digit = HexDigit(c); digit >= 0) {
        chunk_ = chunk_ * 16 + static_cast<uint64_t>(digit);
        return ++digits_ <= kSizeDigitsMax;
      }
      if (digits_ == 0) return false;
      if (c == ';') state_ = State::kExtension;
      if (c == '\r') state_ = State::kSizeEnd;
      return c == ';' || c == '\r';
    case State::kExtension:
      if (c == '\r') state_ = State::kSizeEnd;
      return c == '\r' || (IsText(c) && ++extension_bytes_ <= kExtensionBytesMax);
    case State::kSizeEnd:
      state_ = chunk_ == 0 ? State::kTrailer : State::kData;
      digits_ = extension_bytes_ = 0;
      return c == '\n';
    case State::kDataEnd:
      state_ = State::kDataEndLf;
      return c == '\r';
    case State::kDataEndLf:
      state_ = State::kSize;
      return c == '\n';
    case State::kTrailer:
      if (++trailer_bytes_ > kTrailerBytesMax) return false;
      if (after_cr_) {
        if (c != '\n') return false;
        after_cr_ = false;
        if (line_bytes_ == 0) state_ = State::kEnd;
        line_bytes_ = 0;
        return true;
      }
      after_cr_ = c == '\r';
      if (!after_cr_) ++line_bytes_;
      return after_cr_ || IsText(c);
    case State::kData:
    case State::kEnd:
      break;
  }
  return false;
}

}  // namespace kvserver
