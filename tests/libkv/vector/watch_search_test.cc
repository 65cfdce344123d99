#include "vector/list_search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "libkv/vector/list_world.h"

namespace libkv {
namespace {

TEST_CASE("a watched search tells what searches with smaller budgets answer") {
  // Goal: recall is measured by watching, and must be that of the searches that rely on it. Method:
  // what was told last below a budget, beside a search with that budget.
  for (const size_t dimension : {64, 300}) {
    std::mt19937 random(61);
    World world(Metric::kL2, dimension, 9);
    for (int i = 0; i < 8'000; ++i) world.Add(Gaussian(random, dimension, 1));
    world.Build(100, 1'000'000);
    size_t wanted = 0, missing = 0;
    for (int i = 0; i < 30; ++i) {
      const ListQuery query = world.Query(Gaussian(random, dimension, 1));
      for (const size_t limit : {10, 40}) {
        std::vector<std::pair<uint64_t, std::set<uint64_t>>> told;
        WatchSearch(*world.table, query, {.limit = limit, .entries = 5'000}, kAll, kNoLoad,
                    [&](const SearchStep& step) {
                      if (!step.has_new_best) return;
                      const auto before = static_cast<uint64_t>(step.entries);
                      if (!told.empty()) CHECK(before >= told.back().first);
                      CHECK(step.best.size() <= limit);
                      told.emplace_back(before, std::set(step.best.begin(), step.best.end()));
                    });
        REQUIRE_FALSE(told.empty());
        for (const size_t budget : {400, 1'000, 2'345, 5'000}) {
          const ListHits found =
              SearchLists(*world.table, query, {.limit = limit, .entries = budget}, kAll, kNoLoad);
          const std::set<uint64_t>* last = nullptr;
          for (const auto& [before, documents] : told) {
            if (before < budget) last = &documents;
          }
          REQUIRE(last != nullptr);
          for (const ListHit& hit : found.hits) missing += last->contains(hit.document) ? 0 : 1;
          wanted += found.hits.size();
        }
      }
    }
    // The choice of lists depends on how many are wanted, by a bound that is not a proof.
    CHECK(missing <= wanted / 200);
  }
}

TEST_CASE("a watched search tells what searches of smaller depths answer") {
  std::mt19937 random(64);
  for (const Metric metric : {Metric::kL2, Metric::kCosine}) {
    World world(metric, 64, 9);
    for (int i = 0; i < 8'000; ++i) world.Add(Gaussian(random, 64, 1));
    world.Build(100, 1'000'000);
    size_t wanted = 0, missing = 0;
    for (int i = 0; i < 30; ++i) {
      const ListQuery query = world.Query(Gaussian(random, 64, 1));
      const double deepest = 1e9;
      struct Told {
        double depth;
        size_t scanned;
        std::set<uint64_t> best;
      };
      std::vector<Told> told;
      WatchSearch(
          *world.table, query, {.depth = deepest}, kAll, kNoLoad, [&](const SearchStep& step) {
            if (!told.empty()) CHECK(step.depth >= told.back().depth);
            std::set<uint64_t> best = told.empty() ? std::set<uint64_t>() : told.back().best;
            if (step.has_new_best) best = std::set(step.best.begin(), step.best.end());
            told.push_back({step.depth, step.scanned, std::move(best)});
          });
      REQUIRE_FALSE(told.empty());
      for (const double depth : {200.0, 1'000.0, 5'000.0, 100'000.0}) {
        ListStats stats;
        const ListHits found =
            SearchLists(*world.table, query, {.depth = depth}, kAll, kNoLoad, &stats);
        const Told* last = nullptr;
        for (const Told& one : told) {
          if (one.depth < depth) last = &one;
        }
        REQUIRE(last != nullptr);
        // A search that is not watched knows the distance of its best a little later.
        CHECK(stats.entries >= last->scanned);
        CHECK(stats.entries <= last->scanned + 400);
        for (const uint64_t document : last->best) {
          ++wanted;
          missing += std::none_of(found.hits.begin(), found.hits.end(),
                                  [&](const ListHit& hit) { return hit.document == document; });
        }
      }
    }
    CHECK(wanted > 800);
    CHECK(missing <= wanted / 50);
  }
}

TEST_CASE("a watched search of few entries tells what it found") {
  std::mt19937 random(62);
  World world(Metric::kL2, 64, 9);
  for (int i = 0; i < 50; ++i) world.Add(Gaussian(random, 64, 1));
  world.Build(2, 1'000'000);
  std::set<uint64_t> told;
  const ListQuery query = world.Query(Gaussian(random, 64, 1));
  WatchSearch(*world.table, query, {.limit = 10}, kAll, kNoLoad, [&](const SearchStep& step) {
    if (step.has_new_best) told = std::set(step.best.begin(), step.best.end());
  });
  std::set<uint64_t> found;
  for (const ListHit& hit : SearchLists(*world.table, query, {}, kAll, kNoLoad).hits) {
    found.insert(hit.document);
  }
  CHECK(told == found);
  CHECK(told.size() == 10);
}

TEST_CASE("searches of all lists for many queries at once find what each of them finds") {
  // Goal: the truth that recall is measured by is that of searches. Method: both, with one entry
  // that each query must not find, under every metric.
  for (const Metric metric : kMetrics) {
    CAPTURE(static_cast<int>(metric));
    std::mt19937 random(63);
    World world(metric, 100, 9);
    for (int i = 0; i < 4'000; ++i) world.Add(Gaussian(random, 100, 1));
    world.Build(40, 20);
    std::vector<ListQuery> queries;
    for (size_t i = 0; i < 30; ++i) queries.push_back(world.Query(world.vectors[i]));
    std::vector<const ListQuery*> pointers;
    for (const ListQuery& query : queries) pointers.push_back(&query);
    for (const size_t limit : {10, 200}) {
      const std::vector<ListHits> all = SearchAllLists(
          *world.table, pointers, limit,
          [](size_t query, const BlockEntry& entry) { return entry.document() != query; }, kNoLoad);
      REQUIRE(all.size() == queries.size());
      size_t missing = 0;
      for (size_t i = 0; i < queries.size(); ++i) {
        const ListHits alone = SearchLists(
            *world.table, queries[i], {.limit = limit},
            [&](const BlockEntry& entry) { return entry.document() != i; }, kNoLoad);
        REQUIRE(all[i].hits.size() == limit);
        std::set<uint64_t> documents;
        for (const ListHit& hit : all[i].hits) {
          CHECK(hit.document != i);
          CHECK(hit.key == world.keys[hit.document]);
          documents.insert(hit.document);
        }
        CHECK(documents.size() == limit);
        for (const ListHit& hit : alone.hits) missing += documents.contains(hit.document) ? 0 : 1;
      }
      // A bound that is no proof rules out other entries when it is asked in another order.
      CHECK(missing <= queries.size() * limit / 100);
    }
  }
}

}  // namespace
}  // namespace libkv
