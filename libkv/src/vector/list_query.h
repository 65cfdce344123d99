// A query as lists need it: the rotated vector in two bytes per coordinate, and as the table of
// partial sums that one-bit codes are looked up in (vector/one_bit.h). Made once, used for every
// list.
#ifndef LIBKV_SRC_VECTOR_LIST_QUERY_H_
#define LIBKV_SRC_VECTOR_LIST_QUERY_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "libkv/options.h"
#include "vector/aligned_array.h"
#include "vector/code.h"

namespace libkv {

struct ListQuery {
  Metric metric = Metric::kL2;
  size_t padded = 0;

  Code code;                  // of `high`
  AlignedArray<int8_t> high;  // x / scale, as vector/code.h rounds it
  AlignedArray<int8_t> low;   // what that rounding lost, in steps of scale / kLowSteps
  double norm = 0;            // |q|

  AlignedArray<uint8_t> sums;  // 16 sums for every four coordinates
  float sum_step = 0;  // a sum of signed coordinates is sum_step * (sum looked up) - sum_base
  float sum_base = 0;
  float sum_noise = 0;  // how far rounding lets such a sum be off, as vector/one_bit.h needs it

  static constexpr int kLowSteps = 254;  // a rounding error is at most half a scale: 127 steps
};

// `rotated`: finite floats, a multiple of 64 of them, the squared norm at most kSquaredNormMax.
// The same bits on every machine. Cost: about 1 us per 1,024 dimensions.
ListQuery MakeListQuery(std::span<const float> rotated, Metric metric);

// The dot product of the query and what a code stands for, from those of the code's values with the
// query's high and low bytes. Only the rounding of the code is left in it.
inline double PreciseDot(const ListQuery& query, const Code& code, int32_t high, int32_t low) {
  const double steps = double{ListQuery::kLowSteps} * high + low;
  return steps / ListQuery::kLowSteps * query.code.scale * code.scale;
}
double PreciseDot(const ListQuery& query, const Code& code, const int8_t* values, int32_t high);

// What a code says of the vector v it was made of, beyond v', what it stands for.
//
// With v = v' + e the stored norm tells the part of e along v': v'.e = (|v|^2 - |v'|^2 - |e|^2) /
// 2, where |e|^2 is close to scale^2 D / 12. So q.v is about q.v' (1 + v'.e / |v'|^2), and only the
// part of the query across v' still meets a random error: for near neighbours that part is short.
struct CodeNorms {
  double decoded2 = 0;    // |v'|^2
  double lost2 = 0;       // |e|^2, as expected
  double correction = 1;  // 1 + v'.e / |v'|^2
};

// `square` is the dot product of the code's values with themselves.
CodeNorms NormsOf(const Code& code, size_t padded, int32_t square);

// An estimate of q.v, and how far it can be off.
struct DotEstimate {
  double dot = 0;
  double margin = 0;
};
DotEstimate EstimateDot(const ListQuery& query, const Code& code, const int8_t* values,
                        int32_t high);

// The score that belongs to a dot product.
inline float ScoreOfDot(const ListQuery& query, const Code& code, double dot) {
  if (query.metric != Metric::kL2) return static_cast<float>(dot);
  return static_cast<float>(2 * dot - query.code.norm2 - code.norm2);
}

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_LIST_QUERY_H_
