#include "vector/list_search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "libkv/vector/list_world.h"

namespace libkv {
namespace {

TEST_CASE("the margins cover the error of a score, and are not wider than they must be") {
  // Goal: both sides of the bounds. Method: over many pairs the error must stay within the margin,
  // and its root mean square must be what the formula says: a sixth of it, or a little less where
  // two deviations are added rather than their squares.
  for (const Metric metric : kMetrics) {
    for (const size_t dimension : {64, 256, 1'000}) {
      CAPTURE(static_cast<int>(metric));
      CAPTURE(dimension);
      std::mt19937 random(51);
      World world(metric, dimension, 5);
      for (int i = 0; i < 500; ++i) world.Add(Gaussian(random, dimension, 1));
      world.Build(5);
      double squares = 0, hit_squares = 0;
      for (int i = 0; i < 50; ++i) {
        std::vector<float> query = Gaussian(random, dimension, 1);
        if (metric == Metric::kCosine) Normalise(query);
        const ListQuery q = world.Query(query);
        const auto found = ExactCandidates(*world.table, q, 500, kAll, kNoLoad);
        REQUIRE(found.candidates.size() == 500);
        for (const ListCandidate& c : found.candidates) {
          const double exact = ExactScore(metric, query, world.vectors[c.document]);
          const double margin = double{c.upper_bound} - c.score;
          CHECK(std::fabs(exact - c.score) <= margin);
          squares += (exact - c.score) * (exact - c.score) / (margin * margin);
        }
        const auto hits = SearchLists(*world.table, q, {.limit = 500}, kAll, kNoLoad).hits;
        REQUIRE(hits.size() == 500);
        for (const ListHit& hit : hits) {
          const double exact = ExactScore(metric, query, world.vectors[hit.document]);
          CHECK(std::fabs(exact - hit.score) <= hit.margin);
          hit_squares += (exact - hit.score) * (exact - hit.score) / (hit.margin * hit.margin);
        }
      }
      CHECK(std::sqrt(squares / 25'000) < 1.0 / 6);
      CHECK(std::sqrt(squares / 25'000) > 0.6 / 6);
      CHECK(std::sqrt(hit_squares / 25'000) < 1.1 / 6);
      CHECK(std::sqrt(hit_squares / 25'000) > 0.8 / 6);
    }
  }
}

TEST_CASE("entries that are not accepted are left out and do not push others out") {
  std::mt19937 random(53);
  for (const Metric metric : kMetrics) {
    World world(metric, 48, 9);
    for (int i = 0; i < 1'000; ++i) world.Add(Gaussian(random, 48, 1));
    world.Build(10);
    for (int i = 0; i < 100; ++i) {
      CAPTURE(i);
      std::vector<float> query = Gaussian(random, 48, 1);
      if (metric == Metric::kCosine) Normalise(query);
      const uint64_t one_in = 1 + random() % 50;
      const auto wanted = [&](uint64_t d) { return d * 2'654'435'761u % one_in == 0; };
      std::set<uint64_t> asked;
      const auto accept = [&](const BlockEntry& entry) {
        CHECK(asked.insert(entry.document()).second);  // once each
        CHECK(entry.key() == world.keys[entry.document()]);
        return wanted(entry.document());
      };
      const auto found = ExactCandidates(*world.table, world.Query(query), 10, accept, kNoLoad);
      for (const ListCandidate& c : found.candidates) CHECK(wanted(c.document));
      CHECK(Refined(world, query, found, 10) == BruteForce(world, query, 10, wanted));
      asked.clear();
      const auto hits =
          SearchLists(*world.table, world.Query(query), {.limit = 10}, accept, kNoLoad).hits;
      for (const ListHit& hit : hits) CHECK(wanted(hit.document));
      CHECK(hits.size() == BruteForce(world, query, 10, wanted).size());
    }
    const auto none = [](const BlockEntry&) { return false; };
    const ListQuery query = world.Query(world.vectors[0]);
    CHECK(ExactCandidates(*world.table, query, 10, none, kNoLoad).candidates.empty());
    CHECK(SearchLists(*world.table, query, {}, none, kNoLoad).hits.empty());
  }
}

TEST_CASE("a search of all lists finds nearly everything, the best first") {
  // Goal: the one-bit bounds overlook little, under every metric and shape. Method: scores by the
  // int8 codes of everything, to which those of the hits are compared.
  for (const size_t dimension : {3, 64, 100, 300, 768}) {
    std::mt19937 random(54);
    for (const Shape& shape : Shapes(random, dimension)) {
      for (const Metric metric : kMetrics) {
        CAPTURE(dimension);
        CAPTURE(shape.name);
        CAPTURE(static_cast<int>(metric));
        World world(metric, dimension, 3);
        for (int i = 0; i < 1'500; ++i) world.Add(shape.draw(random, dimension));
        // Every second one without codes in memory.
        const bool is_far = (dimension + static_cast<size_t>(metric)) % 2 == 0;
        const ListStorage bits =
            metric == Metric::kL2 ? ListStorage::kBitsAndNorms : ListStorage::kBits;
        world.Build(20, 5, is_far ? bits : ListStorage::kCodes);
        WorldReader reader(world);
        // Few different values leave the guesses nothing random.
        const size_t missing_share_max = dimension < 64 ? 20 : 3;
        size_t wanted = 0, missing = 0;
        for (int i = 0; i < 20; ++i) {
          std::vector<float> query = shape.draw(random, dimension);
          if (i % 3 == 0) query = world.vectors[random() % world.vectors.size()];
          if (metric == Metric::kCosine) Normalise(query);
          const ListQuery q = world.Query(query);
          const ListSearch search = {.limit = 10, .far = &reader};
          const auto found = SearchLists(*world.table, q, search, kAll, kNoLoad);
          const std::vector<ListHit>& hits = found.hits;
          REQUIRE(hits.size() == 10);
          std::set<uint64_t> documents;
          for (size_t j = 0; j < hits.size(); ++j) {
            CHECK(std::isfinite(hits[j].score));
            CHECK(std::isfinite(hits[j].margin));
            CHECK(hits[j].key == world.keys[hits[j].document]);
            const float exact = ExactScore(metric, query, world.vectors[hits[j].document]);
            CHECK(std::fabs(exact - hits[j].score) <= hits[j].margin);
            CHECK(documents.insert(hits[j].document).second);
            if (j > 0) CHECK(hits[j].score <= hits[j - 1].score);
          }
          std::vector<float> scores;
          for (size_t j = 0; j < world.codes.size(); ++j) {
            const int32_t high =
                ActiveKernels().dot_i8(q.high.data(), world.codes[j].values.data(), q.padded);
            const double dot =
                EstimateDot(q, world.codes.code(j), world.codes[j].values.data(), high).dot;
            scores.push_back(ScoreOfDot(q, world.codes.code(j), dot));
          }
          const std::vector<float> best = Best(scores, 10);
          for (const ListHit& hit : hits) missing += hit.score < best.back();
          wanted += 10;
        }
        CHECK(missing <= wanted * missing_share_max / 100);
      }
    }
  }
}

TEST_CASE("by bits alone few entries are read, and the hits are those of a search with codes") {
  // Goal: reads are bounded by what can be among the best. Method: the same world twice.
  for (const Metric metric : kMetrics) {
    for (const size_t dimension : {96, 384}) {
      CAPTURE(static_cast<int>(metric));
      CAPTURE(dimension);
      std::mt19937 random(57);
      World near(metric, dimension, 3), far(metric, dimension, 3);
      std::vector<std::vector<float>> centres;
      for (int i = 0; i < 40; ++i) centres.push_back(Gaussian(random, dimension, 1));
      for (int i = 0; i < 6'000; ++i) {
        std::vector<float> vector = Gaussian(random, dimension, 0.7F);
        for (size_t j = 0; j < dimension; ++j) vector[j] += centres[i % 40][j];
        near.Add(vector);
        far.Add(vector);
      }
      near.Build(20, 1'000'000);
      far.Build(20, 1'000'000,
                metric == Metric::kL2 ? ListStorage::kBitsAndNorms : ListStorage::kBits);
      CHECK(far.table->memory_bytes() * (dimension == 384 ? 4 : 2) < near.table->memory_bytes());
      WorldReader reader(far);
      size_t same = 0;
      for (int i = 0; i < 40; ++i) {
        const std::vector<float>& query = near.vectors[random() % near.vectors.size()];
        const auto odd = [](const BlockEntry& entry) { return entry.document() % 2 == 1; };
        const ListSearch search = {.limit = 10, .entries = 3'000, .filtered = true};
        ListSearch with_reader = search;
        with_reader.far = &reader;
        ListStats stats;
        const auto want = SearchLists(*near.table, near.Query(query), search, odd, kNoLoad).hits;
        const auto got =
            SearchLists(*far.table, far.Query(query), with_reader, odd, kNoLoad, &stats);
        CHECK(stats.read > 0);
        REQUIRE(got.hits.size() == want.size());
        for (size_t j = 0; j < want.size(); ++j) {
          const bool is_same = got.hits[j].document == want[j].document;
          same += is_same ? 1 : 0;
          if (is_same) CHECK(got.hits[j].key == want[j].key);
          if (is_same) CHECK(got.hits[j].score == want[j].score);
        }
      }
      CHECK(same >= 380);
      MESSAGE("read for a search: ", static_cast<double>(reader.reads) / 40);
      CHECK(reader.reads <= 40 * 400);
    }
  }
}

TEST_CASE("the budget limits what is scanned, and more of it finds more") {
  std::mt19937 random(55);
  World world(Metric::kL2, 64, 9);
  for (int i = 0; i < 8'000; ++i) world.Add(Gaussian(random, 64, 1));
  world.Build(100, 1'000'000);  // list 0 has one entry
  double recall_before = 0;
  for (const size_t entries : {1, 100, 500, 2'000, 8'000}) {
    CAPTURE(entries);
    double recall = 0;
    for (uint32_t i = 0; i < 40; ++i) {
      std::mt19937 random_query(i);
      const std::vector<float> query = Gaussian(random_query, 64, 1);
      ListStats stats;
      const auto hits = SearchLists(*world.table, world.Query(query),
                                    {.limit = 10, .entries = entries}, kAll, kNoLoad, &stats)
                            .hits;
      CHECK(stats.entries <= std::max<size_t>(entries, 1) + 400);
      CHECK((stats.entries >= entries || stats.lists == world.table->list_count()));
      const auto best = BruteForce(world, query, 10, [](uint64_t) { return true; });
      for (const ListHit& hit : hits) {
        recall += ExactScore(world.metric, query, world.vectors[hit.document]) >= best.back();
      }
    }
    CHECK(recall >= recall_before);
    recall_before = recall;
  }
  CHECK(recall_before >= 0.93 * 400);
}

TEST_CASE("at the same depth a search goes on where lists are as near as what was found") {
  // Goal: entries are spent on queries that need them. Method: queries at vectors, and queries far
  // from all of them, to which all lists are about as near as the best; recall at equal entries.
  std::mt19937 random(65);
  World world(Metric::kL2, 64, 9);
  std::vector<std::vector<float>> centres;
  for (int i = 0; i < 80; ++i) centres.push_back(Gaussian(random, 64, 4));
  for (size_t i = 0; i < 8'000; ++i) {
    std::vector<float> vector = Gaussian(random, 64, 1);
    for (size_t j = 0; j < vector.size(); ++j) vector[j] += centres[i % centres.size()][j];
    world.Add(std::move(vector));
  }
  world.Build(80, 1'000'000);
  double near = 0, far = 0;
  for (size_t i = 0; i < 40; ++i) {
    const std::vector<float>& at = world.vectors[i * 100];
    const std::vector<float> away = Gaussian(random, 64, 100);
    ListStats stats;
    SearchLists(*world.table, world.Query(at), {.depth = 2'000}, kAll, kNoLoad, &stats);
    near += static_cast<double>(stats.entries);
    SearchLists(*world.table, world.Query(away), {.depth = 2'000}, kAll, kNoLoad, &stats);
    far += static_cast<double>(stats.entries);
  }
  CHECK(near / 40 < 1'000);
  CHECK(far / 40 > 1'500);
  CHECK(far / 40 < 2'600);
  // Where scores are no distances, and where nothing is found, there is no depth.
  ListStats stats;
  SearchLists(
      *world.table, world.Query(world.vectors[0]), {.depth = 1},
      [](const BlockEntry&) { return false; }, kNoLoad, &stats);
  CHECK(stats.entries == world.vectors.size());
  World products(Metric::kInnerProduct, 64, 9);
  for (int i = 0; i < 1'000; ++i) products.Add(Gaussian(random, 64, 1));
  products.Build(20, 1'000'000);
  SearchLists(*products.table, products.Query(Gaussian(random, 64, 1)), {.depth = 1}, kAll, kNoLoad,
              &stats);
  CHECK(stats.entries == 1'000);
}

TEST_CASE("under a filter only accepted entries use up the budget") {
  std::mt19937 random(56);
  World world(Metric::kCosine, 64, 9);
  for (int i = 0; i < 10'000; ++i) world.Add(Gaussian(random, 64, 1));
  world.Build(100, 1'000'000);
  for (const uint64_t one_in : {2, 10, 100}) {
    CAPTURE(one_in);
    double scanned = 0;
    for (int i = 0; i < 20; ++i) {
      const ListQuery query = world.Query(Gaussian(random, 64, 1));
      ListStats stats;
      const auto accept = [&](const BlockEntry& entry) { return entry.document() % one_in == 0; };
      const ListSearch search{.limit = 10, .entries = 60, .filtered = true};
      CHECK(SearchLists(*world.table, query, search, accept, kNoLoad, &stats).hits.size() == 10);
      scanned += static_cast<double>(stats.entries);
    }
    const double expected = static_cast<double>(60 * one_in);
    CHECK(scanned / 20 > expected * 0.6);
    CHECK(scanned / 20 < expected * 1.6 + 200);
  }
  // Nothing is accepted: everything is looked into.
  ListStats stats;
  const auto none = [](const BlockEntry&) { return false; };
  const ListQuery query = world.Query(Gaussian(random, 64, 1));
  SearchLists(*world.table, query, {.limit = 3, .entries = 5, .filtered = true}, none, kNoLoad,
              &stats);
  CHECK(stats.entries == 10'000);
  CHECK(stats.lists == world.table->list_count());
}

TEST_CASE("lists that are not loaded are loaded or left out, and loaded keys stay alive") {
  std::mt19937 random(57);
  World world(Metric::kL2, 64, 9);
  for (int i = 0; i < 1'000; ++i) world.Add(Gaussian(random, 64, 1));
  world.Build(10);
  std::vector<std::shared_ptr<PostingList>> unloaded;
  for (const uint32_t number : {0u, 2u, 5u}) {
    const auto& list = world.table->Find(number);
    unloaded.push_back(PostingList::Unloaded(number, list->padded(), list->centroid()));
  }
  const auto partly = world.table->With({}, unloaded);
  const ListQuery query = world.Query(Gaussian(random, 64, 1));
  std::multiset<uint32_t> asked;
  const auto load = [&](const PostingList& list) -> std::shared_ptr<const PostingList> {
    asked.insert(list.number());
    return world.table->Find(list.number())->Grown({});  // a copy that only the result holds
  };
  const auto whole = SearchLists(*world.table, query, {.limit = 50}, kAll, kNoLoad);
  const auto found = SearchLists(*partly, query, {.limit = 50}, kAll, load);
  CHECK(asked == std::multiset<uint32_t>{0, 2, 5});
  CHECK(found.loaded.size() == 3);
  REQUIRE(found.hits.size() == 50);
  for (size_t i = 0; i < 50; ++i) {
    CHECK(found.hits[i].document == whole.hits[i].document);
    CHECK(found.hits[i].key == world.keys[found.hits[i].document]);
  }
  asked.clear();
  const auto exact = ExactCandidates(*partly, query, 50, kAll, load);
  CHECK(asked == std::multiset<uint32_t>{0, 2, 5});
  CHECK(exact.candidates.size() ==
        ExactCandidates(*world.table, query, 50, kAll, kNoLoad).candidates.size());
  const auto without = SearchLists(*partly, query, {.limit = 1'000}, kAll, kNoLoad);
  size_t missing = 0;
  for (const uint32_t number : {0u, 2u, 5u}) missing += world.table->Find(number)->size();
  CHECK(without.hits.size() == 1'000 - missing);
}

TEST_CASE("the shortest and the longest vectors are compared without overflow") {
  std::mt19937 random(60);
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
    for (const float deviation : {1e-45f, 1e-40f, 1e-30f, 1e-20f, 1e10f, 2e17f}) {
      CAPTURE(deviation);
      World world(metric, 64, 9);
      for (int i = 0; i < 300; ++i) world.Add(Gaussian(random, 64, deviation));
      world.Add(std::vector<float>(64, 0.0f));
      world.Build(4);
      for (const float query_deviation : {deviation, 1.0f, 2e17f}) {
        const std::vector<float> query = Gaussian(random, 64, query_deviation);
        const auto found = ExactCandidates(*world.table, world.Query(query), 10, kAll, kNoLoad);
        for (const ListCandidate& c : found.candidates) CHECK(std::isfinite(c.upper_bound));
        CHECK(Refined(world, query, found, 10) ==
              BruteForce(world, query, 10, [](uint64_t) { return true; }));
        const auto hits =
            SearchLists(*world.table, world.Query(query), {.limit = 10}, kAll, kNoLoad).hits;
        CHECK(hits.size() == 10);
        for (const ListHit& hit : hits) CHECK(std::isfinite(hit.score + hit.margin));
      }
    }
  }
}

TEST_CASE("an empty table has no answer") {
  const auto table = ListTable::Empty(64);
  const ListQuery query = MakeListQuery(std::vector<float>(64, 1.0f), Metric::kL2);
  CHECK(SearchLists(*table, query, {}, kAll, kNoLoad).hits.empty());
  CHECK(ExactCandidates(*table, query, 10, kAll, kNoLoad).candidates.empty());
}

}  // namespace
}  // namespace libkv
