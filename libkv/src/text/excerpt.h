// Excerpts: the piece of a text that shows best why it was found.
#ifndef LIBKV_SRC_TEXT_EXCERPT_H_
#define LIBKV_SRC_TEXT_EXCERPT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "libkv/analyzer.h"
#include "libkv/search.h"

namespace libkv {

// Only the first part of a text is searched for a good piece.
inline constexpr size_t kExcerptTextBytesMax = size_t{1} << 20;

// A longer grapheme cluster (heaped combining marks) may be cut, between code points.
inline constexpr size_t kClusterBytesMax = 1 << 10;

// The piece of `text`, about `excerpt_bytes` long, with the most different terms, then the most
// words of `terms` (as `analyzer` makes them), then the earliest; without any, the beginning. It
// starts where a sentence does, if one does near, or else a word. Cut ends are marked "…".
//
// In the result white space and control characters have become single blanks, what is not UTF-8
// has become U+FFFD, and the controls that embed or override the direction of text are left out: a
// cut could part one from its end. No grapheme cluster is cut. Highlights ascend and are disjoint;
// they keep the spelling of `text`. Costs the analysis of the text, at most kExcerptTextBytesMax.
Excerpt MakeExcerpt(std::string_view text, const std::vector<std::string>& terms,
                    const Analyzer& analyzer, size_t excerpt_bytes);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_EXCERPT_H_
