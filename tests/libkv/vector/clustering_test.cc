#include "vector/clustering.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "vector/one_bit.h"

namespace libkv {
namespace {

// Codes around `centres` points, one after the other.
CodeArray Clouds(size_t count, size_t padded, size_t centres, float deviation, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> points(centres, std::vector<float>(padded));
  for (auto& point : points) {
    for (float& x : point) x = normal(random);
  }
  CodeArray codes(count, padded);
  std::vector<float> vector(padded);
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < padded; ++j) {
      vector[j] = points[i % centres][j] + deviation * normal(random);
    }
    codes.Encode(i, vector);
  }
  return codes;
}

std::vector<CodeView> Views(const CodeArray& codes) {
  std::vector<CodeView> views;
  for (size_t i = 0; i < codes.size(); ++i) views.push_back(codes[i]);
  return views;
}

double OracleDistance2(const CodeView& a, const CodeView& b) {
  std::vector<float> x(a.values.size()), y(b.values.size());
  Decode(a, x.data());
  Decode(b, y.data());
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
  return sum;
}

bool SameCodes(const CodeArray& a, const CodeArray& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a.code(i).scale != b.code(i).scale || a.code(i).norm2 != b.code(i).norm2) return false;
    if (!std::equal(a[i].values.begin(), a[i].values.end(), b[i].values.begin())) return false;
  }
  return true;
}

TEST_CASE("distances of codes are those of what they stand for") {
  const CodeArray codes = Clouds(40, 192, 3, 0.5f, 91);
  for (size_t i = 0; i < codes.size(); ++i) {
    CHECK(CodeDistance2(codes[i], codes[i]) == 0);
    for (size_t j = 0; j < codes.size(); ++j) {
      CHECK(CodeDistance2(codes[i], codes[j]) ==
            doctest::Approx(OracleDistance2(codes[i], codes[j])).epsilon(1e-4));
    }
  }
}

TEST_CASE("every code goes to its nearest centroid, across tiles") {
  for (const size_t padded : {64, 320, 1'024}) {
    for (const size_t centroid_count : {1, 3, 17, 150}) {
      CAPTURE(padded);
      CAPTURE(centroid_count);
      const CodeArray codes = Clouds(200, padded, 7, 1, 92);
      const CodeArray centroids = Clouds(centroid_count, padded, 7, 1, 93);
      const std::vector<uint32_t> nearest = AssignToNearest(Views(codes), centroids);
      REQUIRE(nearest.size() == 200);
      for (size_t i = 0; i < codes.size(); ++i) {
        double least = 1e30;
        for (size_t c = 0; c < centroid_count; ++c) {
          least = std::min(least, OracleDistance2(codes[i], centroids[c]));
        }
        CHECK(OracleDistance2(codes[i], centroids[nearest[i]]) <= least * (1 + 1e-4));
      }
    }
  }
  CHECK(AssignToNearest({}, Clouds(1, 64, 1, 1, 92)).empty());
}

TEST_CASE("k-means finds clouds, and the same ones for the same seed") {
  const CodeArray codes = Clouds(1'000, 128, 10, 0.05f, 94);
  const std::vector<CodeView> views = Views(codes);
  const CodeArray centroids = KMeans(views, 128, 30);
  CHECK(centroids.size() == 30);
  CHECK(SameCodes(centroids, KMeans(views, 128, 30)));
  CHECK_FALSE(SameCodes(centroids, KMeans(views, 128, 30, {.seed = 2})));
  const std::vector<uint32_t> nearest = AssignToNearest(views, centroids);
  double sum = 0;
  for (size_t i = 0; i < codes.size(); ++i) sum += CodeDistance2(codes[i], centroids[nearest[i]]);
  // Within a cloud it is about 128 * 0.05^2 = 0.32, between clouds 256.
  CHECK(sum / 1'000 < 20);
}

TEST_CASE("k-means of few or identical codes gives what there is") {
  const CodeArray few = Clouds(3, 64, 3, 1, 95);
  CHECK(KMeans(Views(few), 64, 10).size() == 3);
  CHECK(KMeans({}, 64, 10).size() == 0);
  CodeArray same(50, 64);
  for (size_t i = 0; i < 50; ++i) same.Set(i, few[0]);
  const CodeArray centroids = KMeans(Views(same), 64, 4);
  CHECK(centroids.size() == 4);
  for (size_t i = 0; i < 4; ++i) CHECK(CodeDistance2(centroids[i], few[0]) < 1e-3);
}

TEST_CASE("a split separates two clouds, each with its mean") {
  for (const size_t count : {2, 3, 5, 64, 257}) {
    CAPTURE(count);
    const CodeArray codes = Clouds(count, 128, 2, 0.1f, 96);
    Halves halves;
    REQUIRE(SplitInTwo(Views(codes), 128, &halves));
    REQUIRE(halves.side.size() == count);
    for (size_t i = 2; i < count; ++i) CHECK(halves.side[i] == halves.side[i - 2]);
    CHECK(halves.side[0] != halves.side[1]);
    for (size_t i = 0; i < count; ++i) {
      CHECK(CodeDistance2(codes[i], halves.centroids[halves.side[i]]) < 10);
    }
  }
}

TEST_CASE("no half of a split gets less than a quarter") {
  // Given one far outlier, or nine in ten codes that are identical.
  for (const size_t count : {4, 40, 256, 401}) {
    for (const bool identical : {false, true}) {
      CAPTURE(count);
      CAPTURE(identical);
      CodeArray codes = Clouds(count, 64, 1, 0.1f, 97);
      std::vector<float> far(64, 30);
      codes.Encode(0, far);
      if (identical) {
        for (size_t i = 2 + count / 10; i < count; ++i) codes.Set(i, codes[1]);
      }
      Halves halves;
      REQUIRE(SplitInTwo(Views(codes), 64, &halves));
      const auto ones = static_cast<size_t>(std::count(halves.side.begin(), halves.side.end(), 1));
      CHECK(ones >= count / 4);
      CHECK(count - ones >= count / 4);
      CHECK(std::count(halves.side.begin(), halves.side.end(), 0) + ones == count);
    }
  }
}

TEST_CASE("what is one point cannot be split") {
  const CodeArray one = Clouds(1, 64, 1, 1, 98);
  CodeArray same(100, 64);
  for (size_t i = 0; i < 100; ++i) same.Set(i, one[0]);
  Halves halves;
  CHECK_FALSE(SplitInTwo(Views(same), 64, &halves));
  CHECK_FALSE(SplitInTwo(Views(one), 64, &halves));
  CHECK_FALSE(SplitInTwo({}, 64, &halves));
  CHECK_FALSE(SplitInTwo(Views(CodeArray(30, 64)), 64, &halves));  // zeros
  CodeArray zeros_and_one(30, 64);
  zeros_and_one.Set(3, one[0]);
  CHECK(SplitInTwo(Views(zeros_and_one), 64, &halves));
}

// FNV-1a over the little-endian bits.
class Fingerprint {
 public:
  void Add(uint32_t word, int bits = 32) {
    for (int shift = 0; shift < bits; shift += 8) {
      hash_ = (hash_ ^ (word >> shift & 0xff)) * 0x100000001b3;
    }
  }
  void Add(const CodeArray& codes) {
    for (size_t i = 0; i < codes.size(); ++i) {
      Add(std::bit_cast<uint32_t>(codes.code(i).scale));
      Add(std::bit_cast<uint32_t>(codes.code(i).norm2));
      for (const int8_t value : codes[i].values) Add(static_cast<uint8_t>(value), 8);
    }
  }
  uint64_t Get() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325;
};

TEST_CASE("centroids are the same to the bit, whatever vector instructions make them") {
  // Goal: a store may move between machines. Method: vectors that need no random numbers of the
  // library, and fingerprints that a run with LIBKV_SIMD=baseline printed; the tests run at every
  // level (tests/CMakeLists.txt).
  struct Golden {
    size_t padded;
    uint64_t codes, k_means, halves;
  };
  const Golden goldens[] = {
      {64, 0xa691d771b8e47845, 0xf9781e05e8ccbda3, 0x7c8f275b16fdb5ce},
      {320, 0xe64173544992a040, 0xbf8d6b724c49a803, 0xfb8609566dabb37d},
      {1'024, 0xbb9c69ce12c5c9db, 0xd3f77fb541b70270, 0x2f327d16b89fed29},
  };
  for (const Golden& golden : goldens) {
    CAPTURE(golden.padded);
    constexpr size_t kCount = 600;
    CodeArray codes(kCount, golden.padded);
    std::vector<float> vector(golden.padded);
    uint32_t noise = 1;
    for (size_t i = 0; i < kCount; ++i) {
      for (size_t j = 0; j < vector.size(); ++j) {
        noise = noise * 1'664'525 + 1'013'904'223;
        const auto centre = static_cast<float>((i % 12 * 31 + 7) * (j + 3) % 101);
        vector[j] = (centre - 50 + static_cast<float>(noise >> 24) / 8) / 16;
      }
      codes.Encode(i, vector);
    }
    Fingerprint of_codes, of_k_means, of_halves;
    of_codes.Add(codes);
    CHECK(of_codes.Get() == golden.codes);

    const CodeArray centroids = KMeans(Views(codes), golden.padded, 25);
    of_k_means.Add(centroids);
    for (const uint32_t nearest : AssignToNearest(Views(codes), centroids)) of_k_means.Add(nearest);
    CHECK(of_k_means.Get() == golden.k_means);

    Halves halves;
    REQUIRE(SplitInTwo(Views(codes), golden.padded, &halves));
    of_halves.Add(halves.centroids);
    for (const uint8_t side : halves.side) of_halves.Add(side, 8);
    CHECK(of_halves.Get() == golden.halves);
  }
}

TEST_CASE("an entry belongs elsewhere if another centroid is nearer") {
  const CodeArray codes = Clouds(20, 64, 2, 0.1f, 99);
  const PlacedCentroid far(codes[1]), near(codes[2]);
  CHECK(Nearness(codes[0], near) > Nearness(codes[0], far));
  const double difference = CodeDistance2(codes[0], codes[1]) - CodeDistance2(codes[0], codes[2]);
  CHECK(Nearness(codes[0], near) - Nearness(codes[0], far) == doctest::Approx(difference));
}

}  // namespace
}  // namespace libkv
