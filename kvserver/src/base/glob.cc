#include "base/glob.h"

#include <utility>

namespace kvserver {
namespace {

unsigned char Fold(char c, bool ignore_case) {
  return static_cast<unsigned char>(ignore_case && c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

// Whether `c` is in the class that begins behind the '[' at pattern[at]; moves `at` behind its ']'.
// A class that is not closed ends with the pattern.
bool ClassMatches(std::string_view pattern, size_t& at, char c, bool ignore_case) {
  ++at;
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  const unsigned char wanted = Fold(c, ignore_case);
  for (; at < pattern.size() && pattern[at] != ']'; ++at) {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
      ++at;
      found |= Fold(pattern[at], ignore_case) == wanted;
    } else if (at + 2 < pattern.size() && pattern[at + 1] == '-') {
      unsigned char first = Fold(pattern[at], ignore_case);
      unsigned char last = Fold(pattern[at + 2], ignore_case);
      if (first > last) std::swap(first, last);
      found |= wanted >= first && wanted <= last;
      at += 2;
    } else {
      found |= Fold(pattern[at], ignore_case) == wanted;
    }
  }
  if (at < pattern.size()) ++at;
  return found != negated;
}

// Whether the element at pattern[at], which is no star, takes `c`; moves `at` behind it.
bool ElementMatches(std::string_view pattern, size_t& at, char c, bool ignore_case) {
  switch (pattern[at]) {
    case '?':
      ++at;
      return true;
    case '[':
      return ClassMatches(pattern, at, c, ignore_case);
    case '\\':
      if (at + 1 < pattern.size()) ++at;
      [[fallthrough]];
    default:
      return Fold(pattern[at++], ignore_case) == Fold(c, ignore_case);
  }
}

}  // namespace

bool GlobMatches(std::string_view pattern, std::string_view text, bool ignore_case) {
  constexpr size_t kNone = std::string_view::npos;
  size_t in_pattern = 0, in_text = 0;
  size_t star = kNone, star_text = 0;  // behind the last star, and where its rest was tried
  while (in_text < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = ++in_pattern;
      star_text = in_text;
      continue;
    }
    if (in_pattern < pattern.size() &&
        ElementMatches(pattern, in_pattern, text[in_text], ignore_case)) {
      ++in_text;
      continue;
    }
    if (star == kNone) return false;
    in_pattern = star;
    in_text = ++star_text;
  }
  while (in_pattern < pattern.size() && pattern[in_pattern] == '*') ++in_pattern;
  return in_pattern == pattern.size();
}

std::string GlobPrefix(std::string_view pattern) {
  std::string prefix;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '*' || c == '?' || c == '[') break;
    if (c == '\\' && i + 1 < pattern.size()) ++i;
    prefix += pattern[i];
  }
  return prefix;
}

}  // namespace kvserver
