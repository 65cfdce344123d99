// The search engines that libkv is measured beside. Each is in a file of its own, which is compiled
// when its package is there.
#ifndef LIBKV_PERF_SEARCH_RIVALS_H_
#define LIBKV_PERF_SEARCH_RIVALS_H_

#include "search/engine.h"

namespace libkv::perf {

// FTS5 without the texts, optimised into one b-tree; Porter's stemmer; keeps stop words.
EngineKind Fts5Kind();
// A glass database, compacted; Snowball's English stemmer, our stop words left out.
EngineKind XapianKind();
// Lucene 8 in a Java program, merged into one segment: standard words, possessives, our stop words,
// Porter's stemmer.
EngineKind LuceneKind();

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SEARCH_RIVALS_H_
