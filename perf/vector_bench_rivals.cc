#include <cstdio>

#include "vector_bench_rival.h"

namespace libkv::perf {

std::vector<VectorRivalKind> VectorRivals() {
  std::vector<VectorRivalKind> rivals;
#ifdef LIBKV_PERF_HNSWLIB
  rivals.push_back(HnswlibKind());
#else
  std::puts("hnswlib: not built, libhnswlib-dev was not there");
#endif
#ifdef LIBKV_PERF_FAISS
  for (VectorRivalKind& kind : FaissKinds()) rivals.push_back(std::move(kind));
#else
  std::puts(
      "faiss: not built, libfaiss-dev or what it needs (liblapack-dev, OpenMP) was not there");
#endif
  return rivals;
}

}  // namespace libkv::perf
