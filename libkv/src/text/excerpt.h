// Excerpts: the pieces of a text that show best why it was found.
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

// Up to `count` (at least 1) pieces of `text`, each about `excerpt_bytes` long, which do not
// overlap, in the order of the text. Chosen one after the other: the piece with the most terms that
// no piece before it has, then the most different terms of `terms` (as `analyzer` makes them), then
// the most words of them, then the earliest. Fewer when no more words of the query are left, or
// only in stretches too short to be worth a piece. Without any, one: the beginning. A piece starts
// where a sentence does, if one does near, or else a word. Cut ends are marked "…".
//
// In the result white space and control characters have become single blanks, what is not UTF-8
// has become U+FFFD, and the controls that embed or override the direction of text are left out: a
// cut could part one from its end. No grapheme cluster is cut. Highlights ascend and are disjoint;
// they keep the spelling of `text`. Costs the analysis of the text, at most kExcerptTextBytesMax,
// and a look at the words found for each piece.
std::vector<Excerpt> MakeExcerpts(std::string_view text, const std::vector<std::string>& terms,
                                  const Analyzer& analyzer, size_t excerpt_bytes, size_t count);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_EXCERPT_H_
