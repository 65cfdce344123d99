#include "vector/clustering.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "vector/kernels.h"
#include "vector/one_bit.h"

namespace libkv {
namespace {

// A tile of centroids stays in the first cache while a tile of codes passes by.
constexpr size_t kTileBytes = size_t{16} << 10;
constexpr size_t kTileRowsMax = 64;
constexpr size_t kTileCodes = 64;

constexpr size_t kSplitIterations = 8;

// Numbers in a fixed order for each seed. (Steele, Lea and Flood, OOPSLA 2014.)
class SplitMix {
 public:
  explicit SplitMix(uint64_t seed) : state_(seed) {}

  uint64_t Below(uint64_t bound) {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % bound;
  }

 private:
  uint64_t state_;
};

// Greater is nearer: |p|^2 - |p - c|^2 = 2 p.c - |c|^2, from the integer dot product.
float Nearness(const Code& code, const Code& centroid, float centroid_norm2, int32_t dot) {
  return static_cast<float>(2.0 * code.scale * centroid.scale * dot) - centroid_norm2;
}

std::vector<float> Norms2(const CodeArray& centroids) {
  std::vector<float> norms2(centroids.size());
  for (size_t i = 0; i < norms2.size(); ++i) {
    norms2[i] = static_cast<float>(DecodedNorm2(centroids[i]));
  }
  return norms2;
}

// Members of each cluster added up, to become their mean.
class Means {
 public:
  Means(size_t count, size_t padded) : padded_(padded), counts_(count), sums_(count * padded) {}

  void Add(size_t cluster, const CodeView& code) {
    ++counts_[cluster];
    ActiveKernels().add_scaled(code.values.data(), code.code.scale, padded_,
                               sums_.data() + cluster * padded_);
  }

  const std::vector<size_t>& counts() const { return counts_; }

  // Requires a member. Destroys the sum.
  void Store(size_t cluster, CodeArray* centroids) {
    float* const sum = sums_.data() + cluster * padded_;
    const float share = 1 / static_cast<float>(counts_[cluster]);
    for (size_t i = 0; i < padded_; ++i) sum[i] *= share;
    centroids->Encode(cluster, {sum, padded_});
  }

 private:
  const size_t padded_;
  std::vector<size_t> counts_;
  AlignedArray<float> sums_;
};

// `count` different places below `size`, in random order.
std::vector<size_t> RandomPlaces(size_t size, size_t count, SplitMix* random) {
  std::vector<size_t> places(size);
  std::iota(places.begin(), places.end(), size_t{0});
  for (size_t i = 0; i < count; ++i) std::swap(places[i], places[i + random->Below(size - i)]);
  places.resize(count);
  return places;
}

void Iterate(std::span<const CodeView> sample, SplitMix* random, CodeArray* centroids) {
  const std::vector<uint32_t> nearest = AssignToNearest(sample, *centroids);
  Means means(centroids->size(), centroids->padded());
  for (size_t i = 0; i < sample.size(); ++i) means.Add(nearest[i], sample[i]);
  const std::vector<size_t>& counts = means.counts();
  const auto largest =
      static_cast<size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  for (size_t i = 0; i < centroids->size(); ++i) {
    if (counts[i] != 0) {
      means.Store(i, centroids);
      continue;
    }
    size_t left = random->Below(counts[largest]);
    size_t place = 0;
    while (nearest[place] != largest || left-- != 0) ++place;
    centroids->Set(i, sample[place]);
  }
}

size_t FarthestFrom(std::span<const CodeView> codes, const CodeView& from, double* distance2) {
  size_t farthest = 0;
  *distance2 = -1;
  for (size_t i = 0; i < codes.size(); ++i) {
    const double d = CodeDistance2(codes[i], from);
    if (d <= *distance2) continue;
    *distance2 = d;
    farthest = i;
  }
  return farthest;
}

// Puts every code on the side of the nearer centroid, but at least `least` on each: those are moved
// that lose least by it. Returns whether anything changed.
bool ChooseSides(std::span<const CodeView> codes, const CodeArray& centroids, size_t least,
                 std::vector<uint8_t>* side) {
  const std::vector<float> norms2 = Norms2(centroids);
  std::vector<std::pair<float, uint32_t>> leanings(codes.size());  // to side 1
  size_t ones = 0;
  for (uint32_t i = 0; i < codes.size(); ++i) {
    int32_t dots[2];
    ActiveKernels().dot_many(codes[i].values.data(), centroids.values(), centroids.padded(), 2,
                             centroids.padded(), dots);
    const Code& code = codes[i].code;
    leanings[i] = {Nearness(code, centroids.code(1), norms2[1], dots[1]) -
                       Nearness(code, centroids.code(0), norms2[0], dots[0]),
                   i};
    ones += leanings[i].first > 0;
  }
  ones = std::clamp(ones, least, codes.size() - least);
  std::nth_element(leanings.begin(), leanings.begin() + static_cast<ptrdiff_t>(codes.size() - ones),
                   leanings.end());
  bool changed = false;
  for (size_t i = 0; i < leanings.size(); ++i) {
    uint8_t& old = (*side)[leanings[i].second];
    const uint8_t chosen = i >= codes.size() - ones ? 1 : 0;
    changed |= old != chosen;
    old = chosen;
  }
  return changed;
}

}  // namespace

double CodeDistance2(const CodeView& a, const CodeView& b) {
  const int32_t dot = ActiveKernels().dot_i8(a.values.data(), b.values.data(), a.values.size());
  const double product = double{a.code.scale} * b.code.scale * dot;
  return std::max(0.0, DecodedNorm2(a) - 2 * product + DecodedNorm2(b));
}

std::vector<uint32_t> AssignToNearest(std::span<const CodeView> codes, const CodeArray& centroids) {
  LIBKV_CHECK(centroids.size() > 0);
  const size_t padded = centroids.padded();
  const size_t tile_rows = std::clamp<size_t>(kTileBytes / padded, 4, kTileRowsMax);
  const std::vector<float> norms2 = Norms2(centroids);
  std::vector<uint32_t> nearest(codes.size());
  std::vector<float> best(codes.size(), -std::numeric_limits<float>::infinity());
  for (size_t begin = 0; begin < codes.size(); begin += kTileCodes) {
    const size_t end = std::min(codes.size(), begin + kTileCodes);
    for (size_t tile = 0; tile < centroids.size(); tile += tile_rows) {
      const size_t rows = std::min(tile_rows, centroids.size() - tile);
      for (size_t i = begin; i < end; ++i) {
        int32_t dots[kTileRowsMax];
        ActiveKernels().dot_many(codes[i].values.data(), centroids.values() + tile * padded, padded,
                                 rows, padded, dots);
        for (size_t row = 0; row < rows; ++row) {
          const size_t c = tile + row;
          const float nearness = Nearness(codes[i].code, centroids.code(c), norms2[c], dots[row]);
          if (nearness <= best[i]) continue;
          best[i] = nearness;
          nearest[i] = static_cast<uint32_t>(c);
        }
      }
    }
  }
  return nearest;
}

CodeArray KMeans(std::span<const CodeView> sample, size_t padded, size_t count,
                 const KMeansOptions& options) {
  SplitMix random(options.seed);
  count = std::min(count, sample.size());
  CodeArray centroids(count, padded);
  const std::vector<size_t> places = RandomPlaces(sample.size(), count, &random);
  for (size_t i = 0; i < count; ++i) centroids.Set(i, sample[places[i]]);
  if (count == 0) return centroids;
  for (size_t i = 0; i < options.iterations; ++i) Iterate(sample, &random, &centroids);
  return centroids;
}

bool SplitInTwo(std::span<const CodeView> codes, size_t padded, Halves* halves) {
  if (codes.size() < 2) return false;
  // The seeds: the code that is farthest from the first, and the one that is farthest from that.
  double distance2 = 0;
  const size_t one = FarthestFrom(codes, codes[0], &distance2);
  const size_t two = FarthestFrom(codes, codes[one], &distance2);
  if (distance2 <= 0) return false;
  CodeArray centroids(2, padded);
  centroids.Set(0, codes[one]);
  centroids.Set(1, codes[two]);
  const size_t least = std::max<size_t>(1, codes.size() / 4);
  std::vector<uint8_t> side(codes.size(), 2);
  for (size_t i = 0; i < kSplitIterations; ++i) {
    if (!ChooseSides(codes, centroids, least, &side)) break;
    Means means(2, padded);
    for (size_t j = 0; j < codes.size(); ++j) means.Add(side[j], codes[j]);
    means.Store(0, &centroids);
    means.Store(1, &centroids);
  }
  halves->centroids = std::move(centroids);
  halves->side = std::move(side);
  return true;
}

PlacedCentroid::PlacedCentroid(const CodeView& of) : code(of), norm2(DecodedNorm2(of)) {}

double Nearness(const CodeView& code, const PlacedCentroid& centroid) {
  const int32_t dot =
      ActiveKernels().dot_i8(centroid.code.values.data(), code.values.data(), code.values.size());
  return 2.0 * code.code.scale * centroid.code.code.scale * dot - centroid.norm2;
}

}  // namespace libkv
