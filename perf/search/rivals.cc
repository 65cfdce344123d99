#include "search/rivals.h"

#include <cstdio>

namespace libkv::perf {

std::vector<EngineKind> Rivals() {
  std::vector<EngineKind> rivals;
#ifdef LIBKV_PERF_LUCENE
  rivals.push_back(LuceneKind());
#else
  std::puts("lucene: not built, a JDK or Lucene 8 (liblucene8-java) was not there");
#endif
#ifdef LIBKV_PERF_XAPIAN
  rivals.push_back(XapianKind());
#else
  std::puts("xapian: not built, libxapian-dev was not there");
#endif
#ifdef LIBKV_PERF_SQLITE
  rivals.push_back(Fts5Kind());
#else
  std::puts("sqlite fts5: not built, libsqlite3-dev was not there");
#endif
  return rivals;
}

}  // namespace libkv::perf
