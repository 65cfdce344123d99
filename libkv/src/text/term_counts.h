// Which terms a text has, and how often.
#ifndef LIBKV_SRC_TEXT_TERM_COUNTS_H_
#define LIBKV_SRC_TEXT_TERM_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libkv/analyzer.h"

namespace libkv {

// Only the first part of a text is counted.
inline constexpr size_t kCountedTextBytesMax = size_t{1} << 20;

struct TermCount {
  std::string term;
  std::string word;  // the first one in the text that has the term, folded
  uint32_t count = 0;
};

// The terms of `text` in the order in which they first come. Costs the analysis of the text, at
// most kCountedTextBytesMax.
std::vector<TermCount> CountTerms(std::string_view text, const Analyzer& analyzer);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_TERM_COUNTS_H_
