#include "vector/norm.h"

#include <cstddef>

namespace libkv {

double SquaredNorm(std::span<const float> vector) {
  constexpr size_t kLanes = 8;
  double lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= vector.size(); i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) lanes[j] += double{vector[i + j]} * vector[i + j];
  }
  for (size_t j = 0; i + j < vector.size(); ++j) lanes[j] += double{vector[i + j]} * vector[i + j];
  for (size_t half = kLanes / 2; half > 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

}  // namespace libkv
