// How bytes are written as text: base64, JSON strings, and what a terminal may be shown.
#ifndef KVSERVER_CLI_ENCODING_H_
#define KVSERVER_CLI_ENCODING_H_

#include <optional>
#include <string>
#include <string_view>

namespace kvcli {

std::string Base64(std::string_view bytes);                    // RFC 4648, with padding
std::optional<std::string> FromBase64(std::string_view text);  // strict: padding, no blanks
bool IsUtf8(std::string_view bytes);

// Appends `text`, which is UTF-8, in quotes.
void AppendJsonString(std::string& out, std::string_view text);

// Appends the JSON members "name": "bytes", or "name_b64": "..." when they are not UTF-8.
void AppendJsonMember(std::string& out, std::string_view name, std::string_view bytes);

// Without control characters and what is not UTF-8: \n, \x1b. A value must not steer a terminal.
std::string Printable(std::string_view bytes);

// The pattern of SCAN that matches the keys that begin with `prefix`.
std::string PatternOf(std::string_view prefix);

}  // namespace kvcli

#endif  // KVSERVER_CLI_ENCODING_H_
