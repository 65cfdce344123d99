#include "vector/score_formula.h"

#include <cmath>

namespace libkv {
namespace {

constexpr float kFloatError = 0x1p-24f;  // of one operation
constexpr float kUnderflow = 0x1p-126f;  // what sums lose below the range of floats
constexpr float kTinyNorm = 0x1p-63f;    // below it a squared norm has lost its digits
constexpr float kRotationSteps = 128;    // additions on the way of a coordinate, and some

float Rounding(const ListQuery& query) {
  return (static_cast<float>(query.padded) / 16 + kRotationSteps) * kFloatError;
}

}  // namespace

ScoreFormula::ScoreFormula(const ListQuery& query) {
  const float rounding = Rounding(query);
  const float deviations = kScoreDeviations / std::sqrt(12.0f);
  const float norm = std::sqrt(query.code.norm2) + kTinyNorm;

  dot_factor = query.code.scale;
  scale_margin = deviations * norm;
  norm_margin = deviations * query.code.scale + rounding * norm;
  constant_margin = kUnderflow + norm_margin * kTinyNorm;
  if (query.metric != Metric::kL2) return;

  // -(|q|^2 + |v|^2 - 2 q.v)
  dot_factor *= 2;
  norm2_factor = 1;
  constant = query.code.norm2;
  scale_margin *= 2;
  norm_margin *= 2;
  norm2_margin = rounding;
  constant_margin = 2 * constant_margin + rounding * query.code.norm2;
}

ScoreFormula ScoreFormula::ForEstimates() const {
  ScoreFormula formula = *this;
  formula.scale_margin /= 2;
  return formula;
}

float ScoreFormula::ArithmeticMargin(const ListQuery& query, const Code& code) const {
  // The low byte leaves 1 / kLowSteps of the rounding error.
  const float deviations = kScoreDeviations / std::sqrt(12.0f);
  const float gone = deviations * query.code.scale * (1 - 1.0f / ListQuery::kLowSteps);
  const float norm = norm_margin - (query.metric == Metric::kL2 ? 2 * gone : gone);
  return std::sqrt(code.norm2) * norm + code.norm2 * norm2_margin + constant_margin;
}

void ScoreFormula::Evaluate(const int32_t* dots, const float* scales, const float* norms2,
                            size_t count, float* scores, float* margins) const {
  for (size_t i = 0; i < count; ++i) {
    // Factors apply one after the other: their product could be too small for a float.
    const float product = static_cast<float>(dots[i]) * dot_factor * scales[i];
    scores[i] = product - norms2[i] * norm2_factor - constant;
    margins[i] = scales[i] * scale_margin + std::sqrt(norms2[i]) * norm_margin +
                 norms2[i] * norm2_margin + constant_margin;
  }
}

}  // namespace libkv
