// A code is a rotated vector with one byte per coordinate: coordinate = scale * int8, to within
// half a scale. The scale is the vector's own, its greatest coordinate over 127.
//
// code := scale:f32le norm2:f32le values:int8[padded]
//   scale   max |x| / 127, but at least 2^-126 unless all x are 0: then 0, and so are the values
//   norm2   the squared norm of the rotated vector before rounding (vector/norm.h), as a float
//   values  x / scale, rounded to nearest, halves to even: -127 to 127
#ifndef LIBKV_SRC_VECTOR_CODE_H_
#define LIBKV_SRC_VECTOR_CODE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace libkv {

// What belongs to one code besides its values.
struct Code {
  float scale = 0;
  float norm2 = 0;
};

// A code whose values live elsewhere: in a row of the store, or in memory.
struct CodeView {
  Code code;
  std::span<const int8_t> values;
};

// Bytes of a code on disk.
constexpr size_t CodeBytes(size_t padded) { return 8 + padded; }

// Writes rotated.size() values to `values`. The floats must be finite and their squared norm at
// most kSquaredNormMax (vector/metric.h). The same bits on every machine.
Code Encode(std::span<const float> rotated, int8_t* values);

// Appends the code as its row holds it.
void AppendCode(std::string& out, const Code& code, std::span<const int8_t> values);

// Reads a row of CodeBytes(padded) bytes; the view lives as long as `bytes`. DataLoss: another
// size, a scale or norm that is no number, negative, or does not fit the other.
absl::StatusOr<CodeView> DecodeCode(std::string_view bytes, size_t padded);

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_CODE_H_
