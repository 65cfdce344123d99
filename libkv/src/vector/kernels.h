// The inner loops over vectors, each written once per SimdLevel and picked when the process runs.
//
// The same input gives the same bits on every level. Integers are exact; sums of floats have one
// fixed order, without fused multiply-add; everything else works on each element by itself. So a
// store may move between machines, and the plain level is the oracle for the others.
//
// The order of a float sum: sixteen lanes start at +0, element i is added to lane i % 16; then
// lanes j and j + 8 are added, then j and j + 4, j and j + 2, and the last two.
//
// Arguments must not overlap unless they are one array, and need no alignment. int8 kernels are
// fastest on rows that start at a multiple of 64 bytes. Floats must not be NaN.
#ifndef LIBKV_SRC_VECTOR_KERNELS_H_
#define LIBKV_SRC_VECTOR_KERNELS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "vector/simd_level.h"

namespace libkv {

struct Kernels {
  // The dot product of a query, whose values lie in [-127, 127], and a code of any int8 values.
  // n is a multiple of 64 and at most kCodeDimensionMax, which keeps the sum within 32 bits.
  int32_t (*dot_i8)(const int8_t* query, const int8_t* code, size_t n);

  // out[i] = dot_i8(query, codes + i * stride_bytes, n) for every i < count. Reads the codes once,
  // front to back.
  void (*dot_many)(const int8_t* query, const int8_t* codes, size_t stride_bytes, size_t count,
                   size_t n, int32_t* out);

  // Any n, 0 included.
  float (*dot)(const float* a, const float* b, size_t n);
  float (*squared_distance)(const float* a, const float* b, size_t n);
  float (*max_abs)(const float* x, size_t n);  // the greatest |x[i]|, +0 for n = 0

  // The Walsh-Hadamard transform in place, not scaled: for h = 1, 2, 4, ..., n / 2, every pair
  // (x[i], x[i + h]) whose i has the bit h clear becomes (sum, difference). n: a power of two, at
  // least 16.
  void (*hadamard)(float* x, size_t n);

  // out[i] = x[i] * inverse_scale, rounded to the nearest integer, halves to even, and clamped to
  // [-127, 127]. Any n.
  void (*quantise)(const float* x, float inverse_scale, size_t n, int8_t* out);

  // IEEE 754 binary16 and back, any n. Rounds to nearest, halves to even; what is too great becomes
  // infinity.
  void (*half_from_float)(const float* x, size_t n, uint16_t* out);
  void (*float_from_half)(const uint16_t* x, size_t n, float* out);
};

inline constexpr size_t kCodeDimensionMax = size_t{1} << 16;

// The kernels of DetectedSimdLevel().
const Kernels& ActiveKernels();

// The kernels of one level, for tests and measurements. `level` must be at most CpuSimdLevel().
const Kernels& KernelsFor(SimdLevel level);

// The levels that KernelsFor accepts here, lowest first.
std::vector<SimdLevel> SupportedSimdLevels();

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_KERNELS_H_
