// The squared Euclidean norm in doubles. Every product of two floats is exact there, so neither
// overflow nor underflow of floats can hide a vector's length.
#ifndef LIBKV_SRC_VECTOR_NORM_H_
#define LIBKV_SRC_VECTOR_NORM_H_

#include <span>

namespace libkv {

// The same bits on every machine: element i is added to lane i % 8, then lanes j and j + 4, j and
// j + 2, and the last two.
double SquaredNorm(std::span<const float> vector);

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_NORM_H_
