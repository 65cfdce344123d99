#include "vector/flat_scan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "vector/metric.h"
#include "vector/norm.h"
#include "vector/rotation.h"

namespace libkv {
namespace {

using Vectors = std::vector<std::vector<float>>;

// A small space: the vectors as given (normalised for cosine) and their codes.
struct World {
  World(Metric m, size_t dimension, uint64_t seed)
      : metric(m), rotation(dimension, seed), codes(rotation.padded()) {}

  void Add(std::vector<float> vector) {
    if (metric == Metric::kCosine) Normalise(vector);
    std::vector<float> rotated(rotation.padded());
    std::vector<int8_t> values(rotation.padded());
    rotation.Apply(vector, rotated);
    const Code code = Encode(rotated, values.data());
    codes.Append(code, values);
    vectors.push_back(std::move(vector));
  }

  std::vector<Candidate> ScanFor(const std::vector<float>& query, size_t limit, size_t count,
                                 absl::FunctionRef<bool(uint32_t)> alive,
                                 bool* is_complete = nullptr) const {
    std::vector<float> rotated(rotation.padded());
    rotation.Apply(query, rotated);
    return Scan(codes, MakeQueryCode(rotated), metric, limit, count, alive, is_complete);
  }

  const Metric metric;
  const Rotation rotation;
  CodeSet codes;
  Vectors vectors;
};

// The best `limit` of `scores`, best first.
std::vector<float> Best(std::vector<float> scores, size_t limit) {
  std::sort(scores.begin(), scores.end(), std::greater<>());
  scores.resize(std::min(limit, scores.size()));
  return scores;
}

std::vector<float> BruteForce(const World& world, const std::vector<float>& query, size_t limit,
                              size_t count, absl::FunctionRef<bool(uint32_t)> alive) {
  std::vector<float> scores;
  for (uint32_t slot = 0; slot < count; ++slot) {
    if (alive(slot)) scores.push_back(ExactScore(world.metric, query, world.vectors[slot]));
  }
  return Best(std::move(scores), limit);
}

std::vector<float> Refined(const World& world, const std::vector<float>& query,
                           const std::vector<Candidate>& candidates, size_t limit) {
  std::vector<float> scores;
  for (const Candidate& candidate : candidates) {
    scores.push_back(ExactScore(world.metric, query, world.vectors[candidate.slot]));
  }
  return Best(std::move(scores), limit);
}

std::vector<float> Gaussian(std::mt19937& random, size_t dimension, float deviation) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> vector(dimension);
  for (float& x : vector) x = normal(random);
  return vector;
}

std::vector<float> Sum(std::vector<float> a, const std::vector<float>& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

// The shapes of data that rounding could be unkind to.
struct Shape {
  const char* name;
  std::function<std::vector<float>(std::mt19937&, size_t dimension)> draw;
};

std::vector<Shape> Shapes(std::mt19937& random, size_t dimension) {
  Vectors centres;
  for (int i = 0; i < 7; ++i) centres.push_back(Gaussian(random, dimension, 1));
  return {
      {"gaussian", [](std::mt19937& r, size_t n) { return Gaussian(r, n, 1); }},
      {"clustered",
       [centres](std::mt19937& r, size_t n) {
         return Sum(centres[r() % centres.size()], Gaussian(r, n, 0.1f));
       }},
      {"nearly identical",
       [centres](std::mt19937& r, size_t n) { return Sum(centres[0], Gaussian(r, n, 1e-3f)); }},
      {"one-hot",
       [](std::mt19937& r, size_t n) {
         std::vector<float> vector(n);
         vector[r() % n] = static_cast<float>(1 + r() % 5) * (r() % 2 == 0 ? 1.0f : -1.0f);
         return vector;
       }},
      {"constant",
       [](std::mt19937& r, size_t n) {
         return std::vector<float>(n, static_cast<float>(r() % 1'000) / 100 - 4.995f);
       }},
      {"of very different lengths",
       [](std::mt19937& r, size_t n) {
         return Gaussian(r, n, std::exp2(static_cast<float>(r() % 40) - 20));
       }},
      {"of whole numbers with many ties",
       [](std::mt19937& r, size_t n) {
         std::vector<float> vector(n);
         for (float& x : vector) x = static_cast<float>(r() % 3);
         vector[0] = 1;
         return vector;
       }},
  };
}

constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kL2, Metric::kInnerProduct};
constexpr auto kAll = [](uint32_t) { return true; };

TEST_CASE("candidates hold the exact answer, whatever the data looks like") {
  // Goal: no neighbour is ever lost to rounding. Method: for every metric, shape and dimension,
  // queries from the data, near it and beside it; the exact scores of the candidates must be the
  // exact scores of a comparison with everything.
  size_t query_count = 0;
  for (const uint32_t seed : {1u, 2u, 3u}) {
    for (const size_t dimension : {1, 2, 3, 17, 64, 100, 128, 200, 384, 768}) {
      std::mt19937 random(seed * 1'000 + static_cast<uint32_t>(dimension));
      for (const Shape& shape : Shapes(random, dimension)) {
        for (const Metric metric : kMetrics) {
          CAPTURE(seed);
          CAPTURE(dimension);
          CAPTURE(shape.name);
          CAPTURE(static_cast<int>(metric));
          World world(metric, dimension, seed);
          for (int i = 0; i < 400; ++i) world.Add(shape.draw(random, dimension));
          for (int i = 0; i < 20; ++i, ++query_count) {
            std::vector<float> query = i % 3 == 0 ? world.vectors[random() % world.vectors.size()]
                                                  : shape.draw(random, dimension);
            if (i % 3 == 2) query = Sum(query, Gaussian(random, dimension, 0.05f));
            if (metric == Metric::kCosine) Normalise(query);
            const size_t limit = 1 + random() % 20;
            bool is_complete = false;
            const auto candidates =
                world.ScanFor(query, limit, world.vectors.size(), kAll, &is_complete);
            CHECK(is_complete);
            CHECK(Refined(world, query, candidates, limit) ==
                  BruteForce(world, query, limit, world.vectors.size(), kAll));
          }
        }
      }
    }
  }
  CHECK(query_count >= 10'000);
}

TEST_CASE("the margin covers the error of a score, and is not wider than it must be") {
  // Goal: both sides of the bound. Method: over many pairs the error must stay within the margin,
  // and its root mean square must be what the formula says: a sixth of the margin or, because the
  // two deviations are added rather than their squares, a little less.
  for (const size_t dimension : {64, 256, 1'000}) {
    CAPTURE(dimension);
    std::mt19937 random(51);
    World world(Metric::kInnerProduct, dimension, 5);
    for (int i = 0; i < 500; ++i) world.Add(Gaussian(random, dimension, 1));
    double squares = 0;
    size_t count = 0;
    for (int i = 0; i < 50; ++i) {
      const std::vector<float> query = Gaussian(random, dimension, 1);
      for (const Candidate& c : world.ScanFor(query, 500, 500, kAll)) {
        const double error =
            ExactScore(world.metric, query, world.vectors[c.slot]) - double{c.score};
        const double margin = double{c.upper_bound} - c.score;
        CHECK(std::fabs(error) <= margin);
        squares += error * error / (margin * margin);
        ++count;
      }
    }
    REQUIRE(count == 25'000);
    const double ratio = std::sqrt(squares / static_cast<double>(count));
    CHECK(ratio < 1.0 / 6);
    CHECK(ratio > 0.6 / 6);
  }
}

TEST_CASE("few candidates remain of many vectors") {
  std::mt19937 random(52);
  World world(Metric::kCosine, 128, 5);
  for (int i = 0; i < 20'000; ++i) world.Add(Gaussian(random, 128, 1));
  for (int i = 0; i < 20; ++i) {
    std::vector<float> query = Gaussian(random, 128, 1);
    Normalise(query);
    const auto candidates = world.ScanFor(query, 10, 20'000, kAll);
    CHECK(candidates.size() < 60);
    CHECK(Refined(world, query, candidates, 10) == BruteForce(world, query, 10, 20'000, kAll));
  }
}

TEST_CASE("dead slots are left out and do not push others out") {
  std::mt19937 random(53);
  for (const Metric metric : kMetrics) {
    World world(metric, 48, 9);
    for (int i = 0; i < 1'000; ++i) world.Add(Gaussian(random, 48, 1));
    for (int i = 0; i < 200; ++i) {
      CAPTURE(i);
      std::vector<float> query = Gaussian(random, 48, 1);
      if (metric == Metric::kCosine) Normalise(query);
      const uint32_t one_in = 1 + static_cast<uint32_t>(random() % 50);
      const auto alive = [one_in](uint32_t slot) { return slot * 2'654'435'761u % one_in == 0; };
      std::set<uint32_t> asked;
      const auto recording = [&](uint32_t slot) {
        CHECK((asked.empty() || *asked.rbegin() < slot));  // ascending, once each
        asked.insert(slot);
        return alive(slot);
      };
      const auto candidates = world.ScanFor(query, 10, 1'000, recording);
      for (const Candidate& candidate : candidates) CHECK(alive(candidate.slot));
      CHECK(Refined(world, query, candidates, 10) == BruteForce(world, query, 10, 1'000, alive));
    }
    CHECK(world.ScanFor(world.vectors[0], 10, 1'000, [](uint32_t) { return false; }).empty());
  }
}

TEST_CASE("slots at and beyond the count are not looked at") {
  std::mt19937 random(54);
  World world(Metric::kL2, 32, 9);
  for (int i = 0; i < 700; ++i) world.Add(Gaussian(random, 32, 1));
  for (const size_t count : {0, 1, 9, 255, 256, 257, 511, 513, 699}) {
    CAPTURE(count);
    const std::vector<float>& query = world.vectors[count];  // the best one is just out of reach
    const auto candidates = world.ScanFor(query, 10, count, kAll);
    for (const Candidate& candidate : candidates) CHECK(candidate.slot < count);
    CHECK(Refined(world, query, candidates, 10) == BruteForce(world, query, 10, count, kAll));
  }
}

TEST_CASE("candidates come by upper bound, so that refining can stop early") {
  std::mt19937 random(55);
  World world(Metric::kL2, 64, 9);
  for (int i = 0; i < 2'000; ++i) world.Add(Gaussian(random, 64, 1));
  const auto candidates = world.ScanFor(Gaussian(random, 64, 1), 50, 2'000, kAll);
  REQUIRE(candidates.size() >= 50);
  for (size_t i = 1; i < candidates.size(); ++i) {
    CHECK(candidates[i].upper_bound <= candidates[i - 1].upper_bound);
  }
  CHECK(world.ScanFor(world.vectors[0], 0, 2'000, kAll).empty());
  CHECK(world.ScanFor(world.vectors[0], 5'000, 2'000, kAll).size() == 2'000);
}

TEST_CASE("many equal vectors are cut off, and the scan says so") {
  World world(Metric::kCosine, 8, 9);
  const size_t count = 3 * kScanExtraMax;
  for (size_t i = 0; i < count; ++i) world.Add(std::vector<float>(8, 1.0f));
  bool is_complete = true;
  const auto candidates = world.ScanFor(world.vectors[0], 10, count, kAll, &is_complete);
  CHECK(candidates.size() == 10 + kScanExtraMax);
  CHECK_FALSE(is_complete);
}

TEST_CASE("a cut in the middle that better vectors make up for is not reported") {
  // Given thousands of equal vectors, then better ones: the first are dropped twice over, and none
  // of them could have been in the answer.
  std::mt19937 random(56);
  World world(Metric::kL2, 16, 9);
  for (size_t i = 0; i < 3 * kScanExtraMax; ++i) world.Add(std::vector<float>(16, 5.0f));
  for (int i = 0; i < 20; ++i) world.Add(Gaussian(random, 16, 0.1f));
  bool is_complete = false;
  const std::vector<float> query(16, 0.0f);
  const auto candidates = world.ScanFor(query, 10, world.vectors.size(), kAll, &is_complete);
  CHECK(is_complete);
  CHECK(candidates.size() <= 20);
  CHECK(Refined(world, query, candidates, 10) ==
        BruteForce(world, query, 10, world.vectors.size(), kAll));
}

TEST_CASE("the shortest and the longest vectors are compared without overflow") {
  std::mt19937 random(57);
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
    for (const float deviation : {1e-45f, 1e-40f, 1e-30f, 1e-20f, 1e10f, 2e17f}) {
      CAPTURE(deviation);
      World world(metric, 64, 9);
      for (int i = 0; i < 300; ++i) world.Add(Gaussian(random, 64, deviation));
      world.Add(std::vector<float>(64, 0.0f));
      for (const float query_deviation : {deviation, 1.0f, 2e17f}) {
        const std::vector<float> query = Gaussian(random, 64, query_deviation);
        const auto candidates = world.ScanFor(query, 10, 301, kAll);
        for (const Candidate& candidate : candidates) CHECK(std::isfinite(candidate.upper_bound));
        CHECK(Refined(world, query, candidates, 10) == BruteForce(world, query, 10, 301, kAll));
      }
    }
  }
}

}  // namespace
}  // namespace libkv
