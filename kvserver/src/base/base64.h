// Bytes as text: base64 with the alphabet of RFC 4648 section 4, padded.
#ifndef KVSERVER_SRC_BASE_BASE64_H_
#define KVSERVER_SRC_BASE_BASE64_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kvserver {

void AppendBase64(std::string& out, std::string_view bytes);

// Room that DecodeBase64 needs for `text`.
constexpr size_t Base64BytesMax(std::string_view text) { return text.size() / 4 * 3; }

// Writes what `text` stands for to `out` and answers how many bytes. Only the one canonical
// spelling is taken: padded, no spaces, no stray bits. nullopt: it is something else.
std::optional<size_t> DecodeBase64(std::string_view text, char* out);

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_BASE64_H_
