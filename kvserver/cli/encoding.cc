#include "encoding.h"

#include "base/base64.h"
#include "base/utf8.h"

namespace kvcli {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

// Bytes of the well-formed UTF-8 sequence at the start of `bytes`; 0: there is none.
size_t SequenceBytes(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || bytes.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  // Longer than needed, surrogates, beyond U+10FFFF.
  if (first == 0xE0 && at(1) < 0xA0) return 0;
  if (first == 0xED && at(1) > 0x9F) return 0;
  if (first == 0xF0 && at(1) < 0x90) return 0;
  if (first == 0xF4 && at(1) > 0x8F) return 0;
  return length;
}

bool IsControl(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first < 0x20 || first == 0x7F;
  // U+0080 to U+009F steer terminals, too.
  return first == 0xC2 && static_cast<unsigned char>(sequence[1]) < 0xA0;
}

}  // namespace

std::string Base64(std::string_view bytes) {
  std::string text;
  kvserver::AppendBase64(text, bytes);
  return text;
}

std::optional<std::string> FromBase64(std::string_view text) {
  std::string bytes(kvserver::Base64BytesMax(text), '\0');
  const std::optional<size_t> length = kvserver::DecodeBase64(text, bytes.data());
  if (!length) return std::nullopt;
  bytes.resize(*length);
  return bytes;
}

bool IsUtf8(std::string_view bytes) { return kvserver::IsUtf8(bytes); }

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendJsonMember(std::string& out, std::string_view name, std::string_view bytes) {
  const bool is_text = IsUtf8(bytes);
  AppendJsonString(out, is_text ? std::string(name) : std::string(name) + "_b64");
  out += ':';
  AppendJsonString(out, is_text ? std::string(bytes) : Base64(bytes));
}

std::string Printable(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const size_t length = SequenceBytes(bytes);
    const std::string_view sequence = bytes.substr(0, length == 0 ? 1 : length);
    if (length != 0 && !IsControl(sequence)) {
      out += sequence;
    } else if (sequence == "\n") {
      out += "\\n";
    } else if (sequence == "\t") {
      out += "\\t";
    } else {
      for (const char c : sequence) {
        const auto byte = static_cast<unsigned char>(c);
        out += "\\x";
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
      }
    }
    bytes.remove_prefix(sequence.size());
  }
  return out;
}

std::string PatternOf(std::string_view prefix) {
  std::string pattern;
  for (const char c : prefix) {
    if (std::string_view("*?[]\\^-").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern + '*';
}

}  // namespace kvcli
