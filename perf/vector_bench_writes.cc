#include "vector_bench_parts.h"

namespace libkv::perf {
void MeasureReadersPart(VectorBench*) {}
void MeasureSetPart(VectorBench*) {}
}  // namespace libkv::perf
