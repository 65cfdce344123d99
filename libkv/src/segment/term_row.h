// A term row taken apart, in place.
#ifndef LIBKV_SRC_SEGMENT_TERM_ROW_H_
#define LIBKV_SRC_SEGMENT_TERM_ROW_H_

#include <cstdint>
#include <string_view>

#include "segment/impact_frontier.h"
#include "segment/little_endian.h"
#include "segment/segment_format.h"

namespace libkv {

struct TermRow {
  uint32_t documents = 0;
  uint64_t occurrences = 0;
  std::string_view postings;  // of a short term; otherwise empty

  // Of a long one. `first_blocks` and `skips` are as long as they have to be.
  uint32_t list = 0, blocks = 0, position_rows = 0;
  std::string_view bounds, first_blocks, skips;

  bool is_long() const { return blocks != 0; }

  // Requires block < blocks, row < position_rows.
  uint32_t Last(uint32_t block) const { return LoadLittle32(Skip(block)); }
  uint32_t BlockOffset(uint32_t block) const { return LoadLittle32(Skip(block) + 4); }
  uint32_t PositionsOffset(uint32_t block) const { return LoadLittle32(Skip(block) + 8); }
  ScoreBounds Bounds(uint32_t block) const { return LoadBounds(Skip(block) + 12); }
  uint32_t FirstBlock(uint32_t row) const {
    return LoadLittle32(first_blocks.data() + size_t{4} * row);
  }

  // The first block from `from` on whose last document is not before `target`; `blocks` if none.
  // Cheap when it is near: it gallops.
  uint32_t FindBlock(uint32_t from, uint32_t target) const;

 private:
  const char* Skip(uint32_t block) const { return skips.data() + kSkipBytes * block; }
};

// False: damaged. Views point into `row`; what short postings say is not checked yet.
bool ParseTermRow(std::string_view row, TermRow* term);

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_TERM_ROW_H_
