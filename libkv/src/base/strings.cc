#include "base/strings.h"

namespace libkv {

std::string Printable(std::string_view bytes) {
  constexpr size_t kShownMax = 64;
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes.substr(0, kShownMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '\\') {
      out += c;
    } else {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  if (bytes.size() > kShownMax) out += "...";
  return out;
}

}  // namespace libkv
