// Codes side by side, each row at a cache line: centroids, or a sample to learn them from.
#ifndef LIBKV_SRC_VECTOR_CODE_ARRAY_H_
#define LIBKV_SRC_VECTOR_CODE_ARRAY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "vector/aligned_array.h"
#include "vector/code.h"

namespace libkv {

class CodeArray {
 public:
  // `count` codes of `padded` values, a multiple of 64: all zeros until Set or Encode.
  CodeArray(size_t count, size_t padded) : padded_(padded), codes_(count), values_(count * padded) {
    LIBKV_CHECK(padded > 0 && padded % 64 == 0);
  }

  size_t size() const { return codes_.size(); }
  size_t padded() const { return padded_; }

  const int8_t* values() const { return values_.data(); }  // row i begins at i * padded()
  const Code& code(size_t i) const { return codes_[i]; }
  CodeView operator[](size_t i) const {
    return {codes_[i], {values_.data() + i * padded_, padded_}};
  }

  void Set(size_t i, const CodeView& view) {
    LIBKV_CHECK(view.values.size() == padded_);
    codes_[i] = view.code;
    std::copy(view.values.begin(), view.values.end(), values_.data() + i * padded_);
  }

  // The code of padded() floats, as vector/code.h makes it.
  void Encode(size_t i, std::span<const float> rotated) {
    LIBKV_CHECK(rotated.size() == padded_);
    codes_[i] = libkv::Encode(rotated, values_.data() + i * padded_);
  }

 private:
  size_t padded_;
  std::vector<Code> codes_;
  AlignedArray<int8_t> values_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_CODE_ARRAY_H_
