// Which vector instructions this process uses. The library is built for the plainest CPU of its
// kind and picks faster kernels when it runs (vector/kernels.h); results never depend on the level.
//
// LIBKV_SIMD=baseline|avx2|avx512 in the environment asks for a lower level than the CPU's best: to
// measure one, or to rule it out when hunting a fault.
#ifndef LIBKV_SRC_VECTOR_SIMD_LEVEL_H_
#define LIBKV_SRC_VECTOR_SIMD_LEVEL_H_

#include <cstdint>

namespace libkv {

// Each level needs all that the levels below it need.
enum class SimdLevel : uint8_t {
  kBaseline,  // what the compiler may assume: SSE2 on x86-64
  kAvx2,      // AVX2, FMA, F16C
  kAvx512,    // AVX-512 F, BW, VL, VNNI
};

// The level in use: the best one of the CPU and the operating system, lowered by LIBKV_SIMD, which
// is read at the first call only. Any thread.
SimdLevel DetectedSimdLevel();

// The best level that would work here, whatever the environment asks for.
SimdLevel CpuSimdLevel();

// What `wanted`, a word as in LIBKV_SIMD or null, makes of `best`. A level above `best` and an
// unknown word change nothing.
SimdLevel LowerSimdLevel(SimdLevel best, const char* wanted);

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_SIMD_LEVEL_H_
