// Walks over the postings of one term in a sealed segment (format.md, "term row").
//
// A short term has everything in its row: it is decoded at once. Of a long one the skip table says
// which block holds a document, and what a block can count at most, before anything of the block is
// read.
#ifndef LIBKV_SRC_SEGMENT_SEGMENT_CURSOR_H_
#define LIBKV_SRC_SEGMENT_SEGMENT_CURSOR_H_

#include <memory>
#include <string_view>

#include "segment/segment.h"
#include "segment/segment_source.h"
#include "segment/term_row.h"
#include "text/postings.h"

namespace libkv {

// A fault of a row is told to `source`, and the cursor ends. Source and term must outlive the
// cursor, and so must what `row` points into.
std::unique_ptr<PostingsCursor> NewTermCursor(const SegmentSource& source, std::string_view term,
                                              const TermRow& row);

// Over all documents of a segment that have words, each with the frequency 1.
std::unique_ptr<PostingsCursor> NewAllDocumentsCursor(const Segment& segment);

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_SEGMENT_CURSOR_H_
