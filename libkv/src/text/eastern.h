// Chinese, Japanese and Korean text has no blanks between words. Instead of guessing them from a
// dictionary, every pair of neighbouring characters is a term, and a query for a longer word asks
// for its pairs in a row: finds every occurrence, needs no data, and never changes.
#ifndef LIBKV_SRC_TEXT_EASTERN_H_
#define LIBKV_SRC_TEXT_EASTERN_H_

#include <cstdint>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace libkv {

// Marks beyond this many bytes after one character are folded apart from it.
inline constexpr uint32_t kEasternUnitBytesMax = 64;

// Calls `sink` with the folded pairs of `run` (a Word of Kind::kEastern) and the bytes of the run,
// [begin, end), that each stands for. A character alone is delivered alone.
void ForEachPair(std::string_view run,
                 absl::FunctionRef<void(std::string_view term, uint32_t begin, uint32_t end)> sink);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_EASTERN_H_
