#include "vector/metric.h"

#include <cmath>

#include "base/check.h"
#include "base/strings.h"
#include "vector/kernels.h"
#include "vector/norm.h"

namespace libkv {
namespace {

constexpr float kHalfOverflow = 65'520.0f;  // from here on a half is infinity

}  // namespace

absl::Status CheckVector(std::span<const float> vector, size_t dimension, Metric metric,
                         VectorPrecision precision) {
  if (vector.size() != dimension) {
    return InvalidArgument("the vector has dimension ", vector.size(), ", its space has ",
                           dimension);
  }
  for (size_t i = 0; i < vector.size(); ++i) {
    if (!std::isfinite(vector[i])) {
      return InvalidArgument("element ", i, " of the vector is not a finite number");
    }
  }
  const double norm2 = SquaredNorm(vector);
  if (metric == Metric::kCosine) {
    if (norm2 > 0) return absl::OkStatus();
    return InvalidArgument("a vector of zeros has no direction: cosine cannot compare it");
  }
  if (norm2 > kSquaredNormMax) {
    return InvalidArgument("the vector is too long: its length is ", std::sqrt(norm2),
                           ", the most is ", std::sqrt(kSquaredNormMax));
  }
  if (precision == VectorPrecision::kFloat16) {
    for (size_t i = 0; i < vector.size(); ++i) {
      if (std::fabs(vector[i]) < kHalfOverflow) continue;
      return InvalidArgument("element ", i, " of the vector is ", vector[i],
                             ", half precision ends at 65504");
    }
  }
  return absl::OkStatus();
}

void Normalise(std::span<float> vector) {
  const double norm = std::sqrt(SquaredNorm(vector));
  LIBKV_CHECK(norm > 0);
  for (float& x : vector) x = static_cast<float>(x / norm);
}

float ExactScore(Metric metric, std::span<const float> query, std::span<const float> vector) {
  LIBKV_CHECK(query.size() == vector.size());
  const Kernels& kernels = ActiveKernels();
  if (metric != Metric::kL2) return kernels.dot(query.data(), vector.data(), query.size());
  return 0 - kernels.squared_distance(query.data(), vector.data(), query.size());  // never -0
}

}  // namespace libkv
