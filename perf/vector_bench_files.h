// Reading files of vectors: see vector_bench_data.h for the formats.
#ifndef LIBKV_PERF_VECTOR_BENCH_FILES_H_
#define LIBKV_PERF_VECTOR_BENCH_FILES_H_

#include <string>

#include "vector_bench_data.h"

namespace libkv::perf {

inline constexpr size_t kVectorFileBytesMax = size_t{6} << 30;

// At most `rows_max` rows. Whole numbers become floats, which are exact up to 2^24.
VectorSet ReadVectors(const std::string& path, size_t rows_max);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_VECTOR_BENCH_FILES_H_
