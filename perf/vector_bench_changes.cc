#include "vector_bench_parts.h"

namespace libkv::perf {
void MeasureDeletesPart(VectorBench*) {}
void MeasureChurnPart(VectorBench*) {}
void MeasureFiltersPart(VectorBench*) {}
void MeasureOrdersPart(VectorBench*) {}
}  // namespace libkv::perf
