#include "vector/exact_candidates.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "libkv/vector/list_world.h"

namespace libkv {
namespace {

TEST_CASE("exact candidates hold the exact answer, whatever the data looks like") {
  // Goal: no neighbour is ever lost to rounding. Method: for every metric, shape and dimension,
  // queries from the data, near it and beside it; the exact scores of the candidates must be the
  // exact scores of a comparison with everything.
  size_t query_count = 0;
  for (const uint32_t seed : {1u, 2u}) {
    for (const size_t dimension : {1, 3, 17, 64, 100, 128, 384, 768}) {
      std::mt19937 random(seed * 1'000 + static_cast<uint32_t>(dimension));
      for (const Shape& shape : Shapes(random, dimension)) {
        for (const Metric metric : kMetrics) {
          CAPTURE(seed);
          CAPTURE(dimension);
          CAPTURE(shape.name);
          CAPTURE(static_cast<int>(metric));
          World world(metric, dimension, seed);
          for (int i = 0; i < 400; ++i) world.Add(shape.draw(random, dimension));
          world.Build(seed == 1 ? 0 : 8);
          for (int i = 0; i < 20; ++i, ++query_count) {
            std::vector<float> query = i % 3 == 0 ? world.vectors[random() % world.vectors.size()]
                                                  : shape.draw(random, dimension);
            if (i % 3 == 2) query = Sum(query, Gaussian(random, dimension, 0.05f));
            if (metric == Metric::kCosine) Normalise(query);
            const size_t limit = 1 + random() % 20;
            bool is_complete = false;
            const auto found = ExactCandidates(*world.table, world.Query(query), limit, kAll,
                                               kNoLoad, &is_complete);
            CHECK(is_complete);
            CHECK(Refined(world, query, found, limit) ==
                  BruteForce(world, query, limit, [](uint64_t) { return true; }));
          }
        }
      }
    }
  }
  CHECK(query_count >= 6'000);
}

TEST_CASE("few candidates remain of many vectors, by upper bound") {
  std::mt19937 random(58);
  World world(Metric::kCosine, 128, 5);
  for (int i = 0; i < 10'000; ++i) world.Add(Gaussian(random, 128, 1));
  world.Build(20);
  for (int i = 0; i < 20; ++i) {
    std::vector<float> query = Gaussian(random, 128, 1);
    Normalise(query);
    const auto found = ExactCandidates(*world.table, world.Query(query), 10, kAll, kNoLoad);
    CHECK(found.candidates.size() < 60);
    for (size_t j = 1; j < found.candidates.size(); ++j) {
      CHECK(found.candidates[j].upper_bound <= found.candidates[j - 1].upper_bound);
    }
  }
  const ListQuery query = world.Query(world.vectors[0]);
  CHECK(ExactCandidates(*world.table, query, 0, kAll, kNoLoad).candidates.empty());
  CHECK(SearchLists(*world.table, query, {.limit = 0}, kAll, kNoLoad).hits.empty());
  CHECK(ExactCandidates(*world.table, query, 20'000, kAll, kNoLoad).candidates.size() == 10'000);
  CHECK(SearchLists(*world.table, query, {.limit = 20'000}, kAll, kNoLoad).hits.size() == 10'000);
}

TEST_CASE("many equal vectors are cut off, and the result says so") {
  World world(Metric::kCosine, 8, 9);
  const size_t count = 3 * kCandidatesExtraMax;
  for (size_t i = 0; i < count; ++i) world.Add(std::vector<float>(8, 1.0f));
  world.Build(3);
  const ListQuery query = world.Query(world.vectors[0]);
  bool is_complete = true;
  const auto found = ExactCandidates(*world.table, query, 10, kAll, kNoLoad, &is_complete);
  CHECK(found.candidates.size() == 10 + kCandidatesExtraMax);
  CHECK_FALSE(is_complete);
  CHECK(SearchLists(*world.table, query, {.limit = 10}, kAll, kNoLoad).hits.size() == 10);
}

TEST_CASE("a cut in the middle that better vectors make up for is not reported") {
  // Given thousands of equal vectors, then better ones: the first are dropped twice over, and none
  // of them could have been in the answer.
  std::mt19937 random(59);
  World world(Metric::kL2, 16, 9);
  for (size_t i = 0; i < 3 * kCandidatesExtraMax; ++i) world.Add(std::vector<float>(16, 5.0f));
  for (int i = 0; i < 20; ++i) world.Add(Gaussian(random, 16, 0.1f));
  world.Build(0);
  bool is_complete = false;
  const std::vector<float> query(16, 0.0f);
  const auto found =
      ExactCandidates(*world.table, world.Query(query), 10, kAll, kNoLoad, &is_complete);
  CHECK(is_complete);
  CHECK(found.candidates.size() <= 20);
  CHECK(Refined(world, query, found, 10) ==
        BruteForce(world, query, 10, [](uint64_t) { return true; }));
}

}  // namespace
}  // namespace libkv
