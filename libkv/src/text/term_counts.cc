#include "text/term_counts.h"

#include <algorithm>

#include "base/strings.h"

namespace libkv {

std::vector<TermCount> CountTerms(std::string_view text, const Analyzer& analyzer) {
  // Not within a character: its rest would not be UTF-8.
  size_t bytes = std::min(text.size(), kCountedTextBytesMax);
  for (int back = 0; back < 3 && bytes < text.size(); ++back) {
    if ((static_cast<unsigned char>(text[bytes]) & 0xC0) != 0x80) break;
    --bytes;
  }
  std::vector<TermCount> counts;
  StringMap<size_t> places;
  analyzer.Analyze(text.substr(0, bytes), [&](const Token& token) {
    const auto [it, is_new] = places.try_emplace(std::string(token.term), counts.size());
    if (is_new) {
      const std::string_view word = token.word.empty() ? token.term : token.word;
      counts.push_back({std::string(token.term), std::string(word)});
    }
    ++counts[it->second].count;
  });
  return counts;
}

}  // namespace libkv
