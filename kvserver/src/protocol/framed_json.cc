#include "protocol/framed_json.h"

#include <cstdint>

namespace kvserver {

Protocol::Next FramedJson::Parse(std::string_view input, size_t& used, Request& request) {
  constexpr size_t kLengthBytes = 4;
  used = 0;
  if (input.size() < kLengthBytes) return Next::kMore;
  size_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length = length << 8 | static_cast<uint8_t>(input[i]);
  }
  if (length > kObjectBytesMax) return RefuseLength();
  if (input.size() - kLengthBytes < length) return Next::kMore;
  used = kLengthBytes + length;
  return ReadRequest(input.substr(kLengthBytes, length), request);
}

}  // namespace kvserver
