// A Rotation turns vectors in space by a fixed pseudo-random rotation.
//
// Codes of one byte per coordinate lose least when all coordinates are about equally large. Real
// vectors have a few dominant ones; after a random rotation every coordinate is a mix of all, close
// to a normal distribution, and rounding errors of two vectors are independent. Lengths, angles and
// distances stay. A random matrix would cost D * D per vector; sign flips and Walsh-Hadamard
// transforms come close to one in O(D log D). (Ailon and Chazelle, "The fast Johnson-Lindenstrauss
// transform", SIAM J. Comput. 39, 2009.)
//
// Rotated vectors are stored: the recipe, in libkv/doc/vectors.md, never changes under one
// kRotationVersion. The same seed gives the same bits on every machine.
#ifndef LIBKV_SRC_VECTOR_ROTATION_H_
#define LIBKV_SRC_VECTOR_ROTATION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace libkv {

inline constexpr uint32_t kRotationVersion = 1;

// The coordinates of a rotated vector: `dimension` rounded up to a multiple of 64.
constexpr size_t PaddedDimension(size_t dimension) { return (dimension + 63) / 64 * 64; }

// Threads    Immutable after construction.
// Cost       At most 24 * padded() bytes; about 2 us per vector of 1,024 dimensions.
class Rotation {
 public:
  // `dimension`: 1 to kVectorDimensionMax.
  Rotation(size_t dimension, uint64_t seed);

  size_t dimension() const { return dimension_; }
  size_t padded() const { return padded_; }

  // Writes the rotated `vector`, of dimension() finite floats, to the padded() floats of `rotated`.
  // The norm stays to within 1e-5 of itself.
  void Apply(std::span<const float> vector, std::span<float> rotated) const;

 private:
  const size_t dimension_;
  const size_t padded_;
  const size_t block_;              // the greatest power of two within padded_
  const float block_scale_;         // 1 / sqrt(block_)
  const std::vector<float> signs_;  // +1 or -1, for each stage and coordinate
};

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_ROTATION_H_
