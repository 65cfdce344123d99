#include "vector/scanned_centroids.h"

#include <algorithm>
#include <new>
#include <vector>

#include "vector/kernels.h"

namespace libkv {

size_t ScannedCentroids::BytesOf(size_t count, size_t padded) {
  const size_t blocks = (count + kOneBitRows - 1) / kOneBitRows;
  return sizeof(ScannedCentroids) + padded + blocks * (OneBitBlockBytes(padded) + sizeof(Beside));
}

std::unique_ptr<const ScannedCentroids> ScannedCentroids::Make(const CodeArray& codes) {
  const size_t bytes = BytesOf(codes.size(), codes.padded());
  void* const memory = ::operator new (bytes, std::align_val_t{kLineBytes});
  std::fill_n(static_cast<uint8_t*>(memory), bytes, uint8_t{0});
  return std::unique_ptr<const ScannedCentroids>(new (memory) ScannedCentroids(codes));
}

ScannedCentroids::ScannedCentroids(const CodeArray& codes)
    : values_(codes.values()), count_(codes.size()), padded_(codes.padded()) {
  std::vector<float> sum(padded_);
  const float share = 1 / static_cast<float>(count_);
  for (size_t i = 0; i < count_; ++i) {
    const CodeView view = codes[i];
    ActiveKernels().add_scaled(view.values.data(), view.code.scale * share, padded_, sum.data());
  }
  CodeArray mean(1, padded_);
  mean.Encode(0, sum);
  mean_norm2_ = DecodedNorm2(mean[0]);
  mean_scale_ = mean.code(0).scale;
  auto* const place = reinterpret_cast<int8_t*>(this + 1);
  std::copy_n(mean.values(), padded_, place);

  const OneBitCentroid around(mean[0]);
  for (size_t i = 0; i < count_; ++i) {
    const size_t block = i / kOneBitRows, row = i % kOneBitRows;
    auto* const block_bits = const_cast<uint8_t*>(bits(block));
    auto* const block_beside = const_cast<Beside*>(&beside(block));
    around.Encode(codes[i], row, block_bits, &block_beside->factors);
    block_beside->norms2[row] = static_cast<float>(DecodedNorm2(codes[i]));
    block_beside->scales[row] = codes.code(i).scale;
    if (row + 1 == kOneBitRows || i + 1 == count_) PackBits(padded_, block_bits);
  }
}

}  // namespace libkv
