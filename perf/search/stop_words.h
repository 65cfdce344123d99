// The 33 words that libkv's English analyzer and Lucene's leave out.
#ifndef LIBKV_PERF_SEARCH_STOP_WORDS_H_
#define LIBKV_PERF_SEARCH_STOP_WORDS_H_

#include <algorithm>
#include <array>
#include <string_view>

namespace libkv::perf {

inline constexpr std::array<std::string_view, 33> kStopWords = {
    "a",   "an",    "and",  "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
    "in",  "into",  "is",   "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
    "the", "their", "then", "there", "these", "they", "this", "to",  "was", "will", "with"};

inline bool IsStopWord(std::string_view word) {
  return std::find(kStopWords.begin(), kStopWords.end(), word) != kStopWords.end();
}

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SEARCH_STOP_WORDS_H_
