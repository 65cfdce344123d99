// What a libkv store is asked for beyond the plain calls, where this version of libkv has it: its
// word index on disk, and BM25 with other parameters. The calls are looked for by the compiler, so
// that one program measures every version; what a version does not have is left out and said.
#ifndef LIBKV_PERF_SEARCH_LIBKV_INDEX_H_
#define LIBKV_PERF_SEARCH_LIBKV_INDEX_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libkv/store.h"

namespace libkv::perf {

// Whether the word index has segments on disk: else the next two do nothing.
bool HasSegments();
void SealIndex(Store& store, std::string_view prefix);
void MergeIndex(Store& store, std::string_view prefix);

// -1: this version does not tell.
int64_t SegmentCount(const SpaceStats& space);

// False: this version ranks with k1 = 1.5 and b = 0.75 only, and these are others.
bool SetBm25(double k1, double b, SearchOptions* options);

// A store that is opened, or the end of this process.
std::unique_ptr<Store> OpenStore(const Options& options, const std::string& directory);
// Ends this process with a message unless `status` is OK.
void Require(const absl::Status& status);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SEARCH_LIBKV_INDEX_H_
