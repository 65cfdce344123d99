// libkv as an Engine, and what only libkv is measured for.
#ifndef LIBKV_PERF_SEARCH_LIBKV_ENGINE_H_
#define LIBKV_PERF_SEARCH_LIBKV_ENGINE_H_

#include "search/engine.h"

namespace libkv::perf {

inline constexpr size_t kSegments = 10;

EngineKind LibkvOneSegment();
// Not sealed: the last documents, of up to `delta_bytes` of text and up to half of all. Ten
// segments of the others.
EngineKind LibkvManySegments(uint64_t delta_bytes);
// The same writes without a word index; it cannot be opened.
EngineKind LibkvWithoutIndex();

// What an index is like when its store is opened.
struct OpenedIndex {
  uint64_t memory_bytes = 0;
  uint64_t terms = 0;
  int64_t segments = 0;  // -1: this version does not tell
  double open_cpu_seconds = 0;
};
OpenedIndex MeasureOpen(const std::string& directory);

// Log bytes per Set of one of the documents beyond its key and value.
double LogBytesPerSet(const std::vector<Document>& documents, bool with_index,
                      const std::string& directory);

// CPU microseconds of a search for ten values of 10 KB, with and without their excerpts.
struct ExcerptCost {
  double with_us = 0, without_us = 0;
};
ExcerptCost MeasureExcerpts(const std::vector<Document>& documents,
                            const std::vector<Query>& queries, const std::string& directory);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SEARCH_LIBKV_ENGINE_H_
