// The plainest embedder there is, to compare with: how often each run of three characters occurs in
// a text, in small letters, summed by a hash into 1,024 numbers, scaled to length 1.
#ifndef LIBKV_PERF_SEARCH_NGRAM_EMBEDDER_H_
#define LIBKV_PERF_SEARCH_NGRAM_EMBEDDER_H_

#include <memory>

#include "libkv/embedder.h"

namespace libkv::perf {

std::shared_ptr<const Embedder> MakeNgramEmbedder();

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SEARCH_NGRAM_EMBEDDER_H_
