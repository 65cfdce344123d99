// The filters of the query language: what may stand behind "field:".
//
//   filter := value                    that value
//           | beginning "*"            texts that begin so
//           | "*"                      any value
//           | "[" bound "TO" bound "]" | [bound] ".." [bound]
//           | (">" | ">=" | "<" | "<=") value
//   value  := word | '"' text '"'      bound := value | "*" (none)
//
// A value stands for all it can be in JSON: 1 for the numbers 1 and 1.0 and the text "1"; true,
// false and null for themselves and the text. In quotes the same, but "*" and ".." are text.
//
// Ranges take in their bounds. Two numbers bound the numbers between them, and those texts that
// begin with a digit by their bytes: dates. Any other bounds bound texts. A text as a bound stands
// for all texts that begin with it: date:[2024-01 TO 2024-03] has all of March, date:>2024 begins
// with 2025, date:<=2024 ends with 2024.
#ifndef LIBKV_SRC_TEXT_FILTER_SYNTAX_H_
#define LIBKV_SRC_TEXT_FILTER_SYNTAX_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "libkv/find.h"

namespace libkv {

// The longest of `fields` that stands at the beginning of `word`, before a ':'; empty: none.
std::string_view FieldNameOf(std::string_view word, const std::vector<std::string>& fields);

// Whether `text` begins with "name:value", the name as most fields have them; not so URLs, times
// and C++'s "::".
bool LooksLikeField(std::string_view text);

// Reads what stands at the beginning of `text`, which has `bare` bytes up to the end of the word.
// *taken is how many bytes that was. Returns what is wrong; empty: nothing. The values match if
// they lie in one of `ranges`.
std::string_view ParseFilter(std::string_view field, std::string_view text, size_t bare,
                             size_t* taken, std::vector<FieldFilter>* ranges);

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_FILTER_SYNTAX_H_
