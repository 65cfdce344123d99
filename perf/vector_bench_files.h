// Reading files of vectors: see vector_bench_data.h for the formats.
#ifndef LIBKV_PERF_VECTOR_BENCH_FILES_H_
#define LIBKV_PERF_VECTOR_BENCH_FILES_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "vector_bench_data.h"

namespace libkv::perf {

inline constexpr size_t kVectorFileBytesMax = size_t{6} << 30;

// At most `rows_max` rows, of which there is at least one. Whole numbers become floats, which are
// exact up to 2^24. Takes no more memory than the file and its numbers do, whatever it claims.
// NotFound: there is no such file. InvalidArgument: it is damaged, cut off, or of a kind that is
// not read; the message names the file and says why. Of a packed file that xz cannot unpack the
// process ends with a message.
absl::StatusOr<VectorSet> ReadVectors(const std::string& path, size_t rows_max);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_VECTOR_BENCH_FILES_H_
