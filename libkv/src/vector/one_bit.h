// One bit per coordinate: which side of a centroid a vector lies on, and how far a dot product
// guessed from that can be off. A scan reads these bits first and looks at the int8 codes of those
// few vectors only that can still be among the best.
//
// With v the vector (what its int8 code stands for, at its true length), c the centroid, r = v - c
// and b = sign(r):
//   q.v = q.c + r.c + r.(q - c),   r.(q - c) is about f * (b.q - b.c),   f = |r|^2 / sum |r_i|
// After a random rotation the guess is unbiased, and its deviation is
//   |q - c| |r| sqrt(1 / a^2 - 1) / sqrt(D - 1),   a = sum |r_i| / (|r| sqrt(D)), about 0.8.
// (Gao and Long, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound for
// Approximate Nearest Neighbor Search", SIGMOD 2024.) The query side, b.q, comes from one table for
// all lists: sums of signed coordinates for every pattern of four bits, rounded to bytes. What
// belongs to the centroid is folded into a constant of the entry:
//   q.v is at most about  q.c + constant + slope * (b.q + noise) + spread * |q - c|
//
// Nothing here depends on the metric: L2 follows from the dot product and the norms.
#ifndef LIBKV_SRC_VECTOR_ONE_BIT_H_
#define LIBKV_SRC_VECTOR_ONE_BIT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "vector/code.h"
#include "vector/kernels.h"
#include "vector/list_query.h"

namespace libkv {

// Deviations that a bound leaves room for. A true neighbour is overlooked when its guess is further
// off; one that is not close to the limit has room to spare.
inline constexpr float kOneBitDeviations = 1.9f;

// Entries that are scanned together.
inline constexpr size_t kOneBitRows = 32;

// block := for every four coordinates 16 bytes; byte j holds the four signs of row j in its low
// half, lowest coordinate first, and those of row j + 16 in its high half. 1: not negative.
constexpr size_t OneBitBlockBytes(size_t padded) { return padded * kOneBitRows / 8; }

// An open block, to which rows are written one after the other, has for every eight coordinates 32
// bytes: byte j holds the eight signs of row j. Rows that are not written must be zero. This makes
// it a block; each row alone would have to be spread over all of its bytes, half by half.
void PackBits(size_t padded, uint8_t* block);

// The factors of the rows of a block.
struct OneBitFactors {
  float constant[kOneBitRows];  // r.c - slope * b.c
  float slope[kOneBitRows];     // f
  float spread[kOneBitRows];    // kOneBitDeviations times the deviation, without |q - c|
};

// A centroid as encoding needs it.
class OneBitCentroid {
 public:
  explicit OneBitCentroid(const CodeView& centroid);

  // Writes row `row` < kOneBitRows of an open block, and its factors: finite numbers whatever the
  // code. The same bits on every machine. Cost: about 0.1 us per 1,024 dimensions.
  void Encode(const CodeView& code, size_t row, uint8_t* block, OneBitFactors* factors) const;

 private:
  CodeView view_;
  AlignedArray<float> floats_;
  double norm2_;  // of what the code stands for
};

// What the code stands for: scale * values.
void Decode(const CodeView& code, float* out);

// The squared norm of what the code stands for; not norm2, which is from before rounding.
double DecodedNorm2(const CodeView& code);

// The sums of a block for a query, to be judged by OneBitBound.
inline void SumBits(const Kernels& kernels, const ListQuery& query, const uint8_t* block,
                    uint32_t* sums) {
  kernels.sum_patterns(query.sums.data(), block, query.padded / 4, sums);
}

// What a query and a centroid say about the rows of the centroid's blocks.
class OneBitBound {
 public:
  // `dot` is q.c, `distance` |q - c|; scores are those of `metric`, which may be another than the
  // query's.
  OneBitBound(const ListQuery& query, Metric metric, double dot, double distance);

  // The rows whose score can reach `threshold`, as bits. `norms2` are those of the 32 codes.
  uint32_t Reach(const Kernels& kernels, const uint32_t* sums, const OneBitFactors& factors,
                 const float* norms2, float threshold);

  // What each row probably scores, and how far it can be off; `norms2` is looked at under L2 alone.
  void Scores(const uint32_t* sums, const OneBitFactors& factors, const float* norms2,
              float* scores, float* margins) const;

 private:
  const bool is_l2_;
  const float query_norm2_;
  const double dot_;
  const float sum_base_, sum_noise_;
  ReachTerms terms_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_ONE_BIT_H_
