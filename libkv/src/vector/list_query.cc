#include "vector/list_query.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "vector/kernels.h"
#include "vector/one_bit.h"
#include "vector/score_formula.h"

namespace libkv {
namespace {

// Below it the inverse of a step is no float: such a query is shorter than any bound can tell.
constexpr float kQuadMin = 0x1p-100f;

// The sums of |x| over four coordinates: half of what their greatest pattern sum can be.
struct QuadSums {
  float greatest = 0;
  double total = 0;
};

QuadSums SumQuads(std::span<const float> x) {
  QuadSums sums;
  for (size_t i = 0; i < x.size(); i += 4) {
    const float low = std::fabs(x[i]) + std::fabs(x[i + 1]);
    const float quad = low + (std::fabs(x[i + 2]) + std::fabs(x[i + 3]));
    sums.greatest = std::max(sums.greatest, quad);
    sums.total += quad;
  }
  return sums;
}

void FillPatternSums(std::span<const float> rotated, ListQuery* query) {
  query->sums = AlignedArray<uint8_t>(rotated.size() * 4);
  const QuadSums quads = SumQuads(rotated);
  if (quads.greatest < kQuadMin) {
    query->sum_noise = static_cast<float>(quads.total);
    return;
  }
  query->sum_step = 2 * quads.greatest / 255;
  query->sum_base = static_cast<float>(quads.total);
  ActiveKernels().pattern_sums(rotated.data(), 1 / query->sum_step, rotated.size(),
                               query->sums.data());
  // Each sum is off by up to half a step, evenly.
  const auto quad_count = static_cast<float>(rotated.size() / 4);
  query->sum_noise = kOneBitDeviations * query->sum_step * std::sqrt(quad_count / 12);
}

}  // namespace

ListQuery MakeListQuery(std::span<const float> rotated, Metric metric) {
  LIBKV_CHECK(!rotated.empty() && rotated.size() % 64 == 0);
  ListQuery query;
  query.metric = metric;
  query.padded = rotated.size();
  query.high = AlignedArray<int8_t>(rotated.size());
  query.low = AlignedArray<int8_t>(rotated.size());
  query.code = Encode(rotated, query.high.data());
  query.norm = std::sqrt(double{query.code.norm2});
  if (query.code.scale > 0) {
    const float inverse = 1 / query.code.scale;
    std::vector<float> rest(rotated.size());
    for (size_t i = 0; i < rest.size(); ++i) {
      rest[i] = rotated[i] * inverse - static_cast<float>(query.high[i]);
    }
    ActiveKernels().quantise(rest.data(), ListQuery::kLowSteps, rest.size(), query.low.data());
  }
  FillPatternSums(rotated, &query);
  return query;
}

double PreciseDot(const ListQuery& query, const Code& code, const int8_t* values, int32_t high) {
  const int32_t low = ActiveKernels().dot_i8(query.low.data(), values, query.padded);
  return PreciseDot(query, code, high, low);
}

CodeNorms NormsOf(const Code& code, size_t padded, int32_t square) {
  // A code that was not made of a vector could ask for any correction.
  constexpr double kCorrectionMax = 0.125;
  const double scale2 = double{code.scale} * code.scale;
  CodeNorms norms{.decoded2 = scale2 * square, .lost2 = scale2 * static_cast<double>(padded) / 12};
  if (!(norms.decoded2 > 0)) return norms;
  const double along = (code.norm2 - norms.decoded2 - norms.lost2) / (2 * norms.decoded2);
  norms.correction = 1 + std::clamp(along, -kCorrectionMax, kCorrectionMax);
  return norms;
}

DotEstimate EstimateDot(const ListQuery& query, const Code& code, const int8_t* values,
                        int32_t high) {
  const double dot = PreciseDot(query, code, values, high);
  const int32_t square = ActiveKernels().dot_i8(values, values, query.padded);
  const CodeNorms norms = NormsOf(code, query.padded, square);
  if (!(norms.decoded2 > 0)) return {dot, query.norm * std::sqrt(double{code.norm2})};

  // Across v' meets deviations of a sum of rounding errors. When q is nearly v, q.e becomes |e|^2;
  // and |e|^2 itself is not what was expected when the coordinates take few different values.
  const double share = dot / norms.decoded2;
  const double across = std::sqrt(std::max(0.0, query.norm * query.norm - dot * share));
  const double margin = kScoreDeviations * across * code.scale / std::sqrt(12.0) +
                        norms.lost2 * (2 + std::fabs(share) / 2);
  return {dot * norms.correction, margin};
}

}  // namespace libkv
