// The chunked transfer coding of HTTP/1.1, read strictly: whoever reads a message's end elsewhere
// than the proxy in front of us can be made to read a request that nobody sent.
//
//   body  := { size [";" extension] CRLF data CRLF } "0" CRLF { trailer CRLF } CRLF
//   size  := 1 to 8 hexadecimal digits
#ifndef KVSERVER_SRC_PROTOCOL_CHUNKED_BODY_H_
#define KVSERVER_SRC_PROTOCOL_CHUNKED_BODY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kvserver {

// Takes a body as it arrives, in pieces of any size. One body per object.
class ChunkedBody {
 public:
  static constexpr size_t kSizeDigitsMax = 8;
  static constexpr size_t kExtensionBytesMax = 256;
  static constexpr size_t kTrailerBytesMax = 8 << 10;  // all of them; they are not looked at

  enum class Result { kMore, kDone, kMalformed, kTooLarge };

  explicit ChunkedBody(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Appends the data in `input` to `body`. `used` bytes of the input need not be shown again.
  Result Take(std::string_view input, size_t& used, std::string& body);

 private:
  enum class State { kSize, kExtension, kSizeEnd, kData, kDataEnd, kDataEndLf, kTrailer, kEnd };
  bool TakeByte(char c);

  const size_t bytes_max_;
  State state_ = State::kSize;
  uint64_t chunk_ = 0;  // what is left of it
  size_t digits_ = 0, extension_bytes_ = 0, trailer_bytes_ = 0, line_bytes_ = 0;
  bool after_cr_ = false;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_CHUNKED_BODY_H_
