// What choosing lists reads of the centroids of a group, in one piece of memory: a search reads it
// of every group, from a cache that is far away, and each piece more would be waited for.
//
//   this object | mean int8[padded] | blocks of kOneBitRows centroids: one-bit codes around the
//   mean | factors | norms | scales
//
// The int8 codes of the centroids are elsewhere: few of them are compared.
#ifndef LIBKV_SRC_VECTOR_SCANNED_CENTROIDS_H_
#define LIBKV_SRC_VECTOR_SCANNED_CENTROIDS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "vector/aligned_array.h"
#include "vector/code.h"
#include "vector/code_array.h"
#include "vector/one_bit.h"

namespace libkv {

class alignas(kLineBytes) ScannedCentroids {
 public:
  struct Beside {
    OneBitFactors factors;
    float norms2[kOneBitRows];  // of what the codes stand for
    float scales[kOneBitRows];
  };

  // `codes`, at least one, must outlive the result.
  static std::unique_ptr<const ScannedCentroids> Make(const CodeArray& codes);
  void operator delete(void* memory) { ::operator delete (memory, std::align_val_t{kLineBytes}); }

  size_t count() const { return count_; }
  size_t bytes() const { return BytesOf(count_, padded_); }

  const int8_t* values(size_t i) const { return values_ + i * padded_; }
  float scale(size_t i) const { return beside(i / kOneBitRows).scales[i % kOneBitRows]; }
  float norm2(size_t i) const { return beside(i / kOneBitRows).norms2[i % kOneBitRows]; }

  const uint8_t* bits(size_t block) const { return behind() + padded_ + block * BlockBytes(); }
  const Beside& beside(size_t block) const {
    return *reinterpret_cast<const Beside*>(bits(block) + OneBitBlockBytes(padded_));
  }

  CodeView mean() const {
    return {{mean_scale_, 0}, {reinterpret_cast<const int8_t*>(behind()), padded_}};
  }
  double mean_norm2() const { return mean_norm2_; }  // of what the code stands for

 private:
  explicit ScannedCentroids(const CodeArray& codes);

  static size_t BytesOf(size_t count, size_t padded);
  size_t BlockBytes() const { return OneBitBlockBytes(padded_) + sizeof(Beside); }
  const uint8_t* behind() const { return reinterpret_cast<const uint8_t*>(this + 1); }

  const int8_t* const values_;
  const size_t count_, padded_;
  double mean_norm2_ = 0;
  float mean_scale_ = 0;
};

}  // namespace libkv

#endif  // LIBKV_SRC_VECTOR_SCANNED_CENTROIDS_H_
