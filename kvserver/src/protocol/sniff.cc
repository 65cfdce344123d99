#include "protocol/sniff.h"

#include <algorithm>

namespace kvserver {
namespace {

constexpr std::string_view kProxySignature("\r\n\r\n\0\r\nQUIT\n", 12);

Sniffed SniffLine(std::string_view input) {
  const size_t end = input.find('\n');
  if (end == std::string_view::npos) {
    return input.size() >= kSniffBytesMax ? Sniffed::kUnknown : Sniffed::kMore;
  }
  std::string_view line = input.substr(0, end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const std::string_view last = line.substr(line.rfind(' ') + 1);
  if (last == "HTTP/1.1" || last == "HTTP/1.0") return Sniffed::kHttp;
  return line == "PRI * HTTP/2.0" ? Sniffed::kHttp2 : Sniffed::kResp;
}

}  // namespace

Sniffed Sniff(std::string_view input) {
  if (input.empty()) return Sniffed::kMore;
  const char first = input[0];
  if (first == '*') return Sniffed::kResp;
  if (first == '{' || first == '[') return Sniffed::kJsonLines;
  if (first == '\0') return Sniffed::kFramedJson;
  if (first == 0x16) {
    if (input.size() < 2) return Sniffed::kMore;
    return input[1] == 0x03 ? Sniffed::kTls : Sniffed::kUnknown;
  }
  if ((first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z')) return SniffLine(input);
  if (first == '\r' || first == '\n') {
    const size_t shared = std::min(input.size(), kProxySignature.size());
    if (input.substr(0, shared) != kProxySignature.substr(0, shared)) return Sniffed::kResp;
    // "\r\n" alone is a whole request, whose answer somebody may wait for: there is none.
    return shared == kProxySignature.size() ? Sniffed::kProxy : Sniffed::kMore;
  }
  return Sniffed::kUnknown;
}

}  // namespace kvserver
