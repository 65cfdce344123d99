#include "vector/rotation.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "libkv/options.h"
#include "vector/kernels.h"

namespace libkv {
namespace {

// A round has two stages: a transform of the first block and, unless it is all there is, one of the
// last. Each stage has signs of its own: the transform is its own inverse, and where the blocks
// overlap the second one would undo the first.
constexpr size_t kStages = 6;
constexpr size_t kWordsPerStage = kVectorDimensionMax / 64;

// The output function of SplitMix64 at position `position` of the stream of `seed`. (Steele, Lea
// and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.)
uint64_t RandomWord(uint64_t seed, uint64_t position) {
  uint64_t z = seed + (position + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

std::vector<float> MakeSigns(size_t padded, uint64_t seed) {
  std::vector<float> signs(kStages * padded);
  for (size_t stage = 0; stage < kStages; ++stage) {
    for (size_t i = 0; i < padded; ++i) {
      const uint64_t word = RandomWord(seed, stage * kWordsPerStage + i / 64);
      signs[stage * padded + i] = (word >> i % 64 & 1) != 0 ? -1.0f : 1.0f;
    }
  }
  return signs;
}

size_t CheckedDimension(size_t dimension) {
  LIBKV_CHECK(dimension >= 1 && dimension <= kVectorDimensionMax);
  return dimension;
}

// The orthonormal transform of one block. Scaling at once keeps all numbers within the range of
// the input.
void TransformBlock(const Kernels& kernels, float* x, size_t n, float scale) {
  kernels.hadamard(x, n);
  for (size_t i = 0; i < n; ++i) x[i] *= scale;
}

}  // namespace

Rotation::Rotation(size_t dimension, uint64_t seed)
    : dimension_(CheckedDimension(dimension)),
      padded_(PaddedDimension(dimension)),
      block_(std::bit_floor(padded_)),
      block_scale_(static_cast<float>(1.0 / std::sqrt(static_cast<double>(block_)))),
      signs_(MakeSigns(padded_, seed)) {}

void Rotation::Apply(std::span<const float> vector, std::span<float> rotated) const {
  LIBKV_CHECK(vector.size() == dimension_ && rotated.size() == padded_);
  const Kernels& kernels = ActiveKernels();
  float* const x = rotated.data();
  std::fill(std::copy(vector.begin(), vector.end(), x), x + padded_, 0.0f);
  const size_t step = block_ < padded_ ? 1 : 2;
  for (size_t stage = 0; stage < kStages; stage += step) {
    const float* const signs = signs_.data() + stage * padded_;
    for (size_t i = 0; i < padded_; ++i) x[i] *= signs[i];
    TransformBlock(kernels, stage % 2 == 0 ? x : x + padded_ - block_, block_, block_scale_);
  }
}

}  // namespace libkv
