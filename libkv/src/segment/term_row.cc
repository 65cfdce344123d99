#include "segment/term_row.h"

#include <algorithm>

#include "base/coding.h"

namespace libkv {
namespace {

bool ParseLong(Reader& in, TermRow* term) {
  std::string_view list;
  if (!in.Take(4, &list) || !in.Take(kBoundsBytes, &term->bounds)) return false;
  term->list = LoadLittle32(list.data());
  term->blocks = (term->documents - 1) / kPostingsBlock + 1;
  if (!in.Varint32(&term->position_rows) || term->position_rows > term->blocks) return false;
  if (!in.Take(size_t{4} * term->position_rows, &term->first_blocks)) return false;
  return in.Take(kSkipBytes * term->blocks, &term->skips) && in.done();
}

}  // namespace

bool ParseTermRow(std::string_view row, TermRow* term) {
  *term = TermRow();
  Reader in(row);
  if (!in.Varint32(&term->documents) || !in.Varint(&term->occurrences)) return false;
  if (term->documents == 0 || term->occurrences < term->documents) return false;
  if (term->documents > kShortTermMax) return ParseLong(in, term);
  term->postings = in.rest();
  return true;
}

uint32_t TermRow::FindBlock(uint32_t from, uint32_t target) const {
  uint32_t step = 1, end = from;  // Last(block) < target for all from <= block < from below
  while (end < blocks && Last(end) < target) {
    from = end + 1;
    end = step < blocks - end ? end + step : blocks;
    step *= 2;
  }
  end = std::min(end, blocks);
  while (from < end) {
    const uint32_t middle = from + (end - from) / 2;
    if (Last(middle) < target) {
      from = middle + 1;
    } else {
      end = middle;
    }
  }
  return from;
}

}  // namespace libkv
