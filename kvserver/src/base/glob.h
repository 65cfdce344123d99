// Patterns for keys, as KEYS and SCAN take them: * ? [abc] [^a] [a-z] and \ before a character that
// stands for itself.
#ifndef KVSERVER_SRC_BASE_GLOB_H_
#define KVSERVER_SRC_BASE_GLOB_H_

#include <string>
#include <string_view>

namespace kvserver {

// Linear in pattern times text: a star that fails is retried from the last star only.
bool GlobMatches(std::string_view pattern, std::string_view text, bool ignore_case = false);

// What every text that matches begins with.
std::string GlobPrefix(std::string_view pattern);

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_GLOB_H_
