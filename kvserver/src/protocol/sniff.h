// The first bytes of a connection decide which protocol it speaks, once, for its life.
//
//   "*"              RESP
//   "{" or "["       JSON, one object per line
//   0x00             framed JSON
//   0x16 0x03        TLS
//   a letter         the first line decides: if its last word is HTTP/1.0 or HTTP/1.1, HTTP; the
//                    preface of HTTP/2 is refused; else words for RESP
//   CR or LF         an empty line for RESP, but for the signature of PROXY version 2, which begins
//                    so: refused, as it may come from trusted addresses only
//   anything else    refused
//
// Once decided, a body that looks like another protocol stays a body.
#ifndef KVSERVER_SRC_PROTOCOL_SNIFF_H_
#define KVSERVER_SRC_PROTOCOL_SNIFF_H_

#include <cstddef>
#include <string_view>

namespace kvserver {

inline constexpr size_t kSniffBytesMax = size_t{8} << 10;
inline constexpr int kSniffSecondsMax = 5;  // from the first byte on

enum class Sniffed { kMore, kResp, kJsonLines, kFramedJson, kTls, kHttp, kHttp2, kProxy, kUnknown };

// What `input`, from the first byte on, is; never kMore when it has kSniffBytesMax bytes.
Sniffed Sniff(std::string_view input);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_SNIFF_H_
