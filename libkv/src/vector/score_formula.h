// The score of a code and its margin, as sums that need no decision per row:
//   score  = dot * dot_factor * scale - norm2 * norm2_factor - constant
//   margin = scale * scale_margin + norm * norm_margin + norm2 * norm2_margin + constant_margin
// where norm is the root of norm2. vector/exact_candidates.h says where the margin comes from.
#ifndef LIBKV_SRC_VECTOR_SCORE_FORMULA_H_
#define LIBKV_SRC_VECTOR_SCORE_FORMULA_H_

#include <cstddef>
#include <cstdint>

#include "vector/list_query.h"

namespace libkv {

inline constexpr float kScoreDeviations = 6;

struct ScoreFormula {
  float dot_factor = 0, norm2_factor = 0, constant = 0;
  float scale_margin = 0, norm_margin = 0, norm2_margin = 0, constant_margin = 0;

  // For the dot product with query.high.
  explicit ScoreFormula(const ListQuery& query);

  // The margin between a score by query.high and that by EstimateDot, which knows the rest of the
  // query and corrects each code's length by a fraction of its rounding.
  ScoreFormula ForEstimates() const;

  // What the rounding of floats and of the low bytes of the query adds to the margin of a score by
  // EstimateDot.
  float ArithmeticMargin(const ListQuery& query, const Code& code) const;

  // Both of many codes.
  void Evaluate(const int32_t* dots, const float* scales, const float* norms2, size_t count,
                float* scores, float* margins) const;
};

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_SCORE_FORMULA_H_
