// JSON strings, written.
#ifndef KVSERVER_SRC_PROTOCOL_JSON_ESCAPE_H_
#define KVSERVER_SRC_PROTOCOL_JSON_ESCAPE_H_

#include <cstdint>
#include <string_view>

namespace kvserver {

// Appends `text`, which is UTF-8, as it stands between the quotes of a JSON string: only what must
// be escaped is. `Out` has append(const char*, size_t).
template <class Out>
void EscapeJson(Out& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') [[likely]]
      continue;
    out.append(text.data() + run, i - run);
    run = i + 1;
    char escape[6] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    size_t bytes = 2;
    switch (c) {
      case '"':
      case '\\':
        escape[1] = static_cast<char>(c);
        break;
      case '\b':
        escape[1] = 'b';
        break;
      case '\t':
        escape[1] = 't';
        break;
      case '\n':
        escape[1] = 'n';
        break;
      case '\f':
        escape[1] = 'f';
        break;
      case '\r':
        escape[1] = 'r';
        break;
      default:
        bytes = 6;
    }
    out.append(escape, bytes);
  }
  out.append(text.data() + run, text.size() - run);
}

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_JSON_ESCAPE_H_
