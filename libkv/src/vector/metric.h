// What vectors are accepted, and how near two of them are. Greater scores are nearer; what each
// Metric measures is in libkv/options.h.
#ifndef LIBKV_SRC_VECTOR_METRIC_H_
#define LIBKV_SRC_VECTOR_METRIC_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "absl/status/status.h"
#include "libkv/options.h"

namespace libkv {

// With squared norms up to here the score of any two vectors is a finite float.
inline constexpr double kSquaredNormMax = std::numeric_limits<float>::max() / 16;

// Whether `vector` may be stored in, or compared with, a space of this dimension and metric.
// InvalidArgument: another dimension; NaN or infinity; all zeros under cosine; under the other
// metrics a squared norm over kSquaredNormMax, or an element that half precision cannot hold.
absl::Status CheckVector(std::span<const float> vector, size_t dimension, Metric metric,
                         VectorPrecision precision = VectorPrecision::kFloat32);

// Scales a finite vector other than zero to length one, as cosine asks for before anything else
// is done with it. The same bits on every machine.
void Normalise(std::span<float> vector);

// The score by the vectors themselves, of one dimension; for cosine they must be normalised.
float ExactScore(Metric metric, std::span<const float> query, std::span<const float> vector);

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_METRIC_H_
