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

// What `reach` needs of a query and a list.
struct ReachTerms {
  float step = 0, base = 0, distance = 0, norm_factor = 0, limit = 0;
};

struct Kernels {
  // The dot product of a query, whose values lie in [-127, 127], and a code of any int8 values.
  // n is a multiple of 64 and at most kCodeDimensionMax, which keeps the sum within 32 bits.
  int32_t (*dot_i8)(const int8_t* query, const int8_t* code, size_t n);

  // out[i] = dot_i8(query, codes + i * stride_bytes, n) for every i < count. Reads the codes once,
  // front to back.
  void (*dot_many)(const int8_t* query, const int8_t* codes, size_t stride_bytes, size_t count,
                   size_t n, int32_t* out);

  // out[i] = dot_i8(query, codes[i], n) for every i < count.
  void (*dot_each)(const int8_t* query, const int8_t* const* codes, size_t count, size_t n,
                   int32_t* out);

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

  // sum[i] += scale * code[i]. Any n.
  void (*add_scaled)(const int8_t* code, float scale, size_t n, float* sum);

  // The signs of r[i] = scale * code[i] - centroid[i]: bit i % 8 of bits[i / 8] is set unless r[i]
  // is negative. *sum_abs = sum |r[i]|, *sum_signed = sum +-centroid[i], plus where the bit is set.
  // n is a multiple of 64.
  void (*sign_bits)(const int8_t* code, float scale, const float* centroid, size_t n, uint8_t* bits,
                    float* sum_abs, float* sum_signed);

  // For every four floats q[0..3] of x and every pattern p of four bits, with e = the sum of
  // |q[i]| + q[i] where bit i of p is set and of |q[i]| - q[i] where it is not, added as
  // (0 + 1) + (2 + 3): out[16 * quad + p] = e * inverse_step, rounded to the nearest integer,
  // halves to even, at most 255. n is a multiple of 64. The product must be finite.
  void (*pattern_sums)(const float* x, float inverse_step, size_t n, uint8_t* out);

  // What one-bit codes say: sums[j] = the sum over the quads of four coordinates of
  // table[16 * quad + pattern of row j], for the 32 rows of `block` as vector/one_bit.h lays them
  // out. `quads` is a multiple of 16, at most kQuadsMax.
  void (*sum_patterns)(const uint8_t* table, const uint8_t* block, size_t quads, uint32_t* sums);

  // Bit j of 32 is set unless constant[j] + slope[j] * (step * sums[j] + base) + spread[j] *
  // distance - norms2[j] * norm_factor < limit: computed in this order, ((c + s) + d) - n. What is
  // no number is not less.
  uint32_t (*reach)(const uint32_t* sums, const float* constant, const float* slope,
                    const float* spread, const float* norms2, const ReachTerms& terms);
};

inline constexpr size_t kCodeDimensionMax = size_t{1} << 16;
inline constexpr size_t kQuadsMax = kCodeDimensionMax / 4;

// The kernels of DetectedSimdLevel().
const Kernels& ActiveKernels();

// The kernels of one level, for tests and measurements. `level` must be at most CpuSimdLevel().
const Kernels& KernelsFor(SimdLevel level);

// The levels that KernelsFor accepts here, lowest first.
std::vector<SimdLevel> SupportedSimdLevels();

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_KERNELS_H_
