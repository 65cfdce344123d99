// Walks over the words of a sealed segment (format.md, "words").
#ifndef LIBKV_SRC_SEGMENT_SEGMENT_WORDS_H_
#define LIBKV_SRC_SEGMENT_SEGMENT_WORDS_H_

#include <memory>
#include <string_view>

#include "segment/segment_source.h"
#include "text/postings.h"

namespace libkv {

// Those that begin with `prefix`. Faults are told to `source`, which must outlive the cursor.
std::unique_ptr<WordCursor> NewSegmentWordCursor(const SegmentSource& source,
                                                 std::string_view prefix);

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_SEGMENT_WORDS_H_
