#include "vector/list_search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "vector/clustering.h"
#include "vector/exact_candidates.h"
#include "vector/metric.h"
#include "vector/rotation.h"

namespace libkv {
namespace {

constexpr auto kAll = [](const BlockEntry&) { return true; };
constexpr auto kNoLoad = [](const PostingList&) { return std::shared_ptr<const PostingList>(); };
constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kL2, Metric::kInnerProduct};

// Vectors as given (normalised for cosine), and a table of them in which every kind of block
// occurs: list 0 with its tail, full and short blocks, tails of lists. A document is the place of
// its vector.
struct World {
  World(Metric m, size_t dimension, uint64_t seed) : metric(m), rotation(dimension, seed) {}

  void Add(std::vector<float> vector) {
    if (metric == Metric::kCosine) Normalise(vector);
    vectors.push_back(std::move(vector));
  }

  // Every `flat_one_in`-th vector goes to list 0.
  void Build(size_t list_count, size_t flat_one_in = 5, ListStorage storage = ListStorage::kCodes) {
    const size_t padded = rotation.padded();
    codes = CodeArray(vectors.size(), padded);
    std::vector<float> rotated(padded);
    for (size_t i = 0; i < vectors.size(); ++i) {
      rotation.Apply(vectors[i], rotated);
      codes.Encode(i, rotated);
      keys.push_back("key " + std::to_string(i));
    }
    std::vector<CodeView> views;
    for (size_t i = 0; i < codes.size(); ++i) views.push_back(codes[i]);
    const CodeArray centroids = KMeans(views, padded, list_count, {.iterations = 3});
    std::vector<std::vector<ListItem>> items(centroids.size() + 1);
    const std::vector<uint32_t> nearest = centroids.size() == 0
                                              ? std::vector<uint32_t>(codes.size())
                                              : AssignToNearest(views, centroids);
    for (size_t i = 0; i < codes.size(); ++i) {
      const bool is_flat = centroids.size() == 0 || i % flat_one_in == 0;
      const ListItem item{.document = i, .key = keys[i], .code = codes[i]};
      items[is_flat ? 0 : nearest[i] + 1].push_back(item);
    }
    std::vector<std::shared_ptr<PostingList>> lists;
    for (uint32_t number = 0; number < items.size(); ++number) {
      const CodeView centroid = number == 0 ? CodeView{} : centroids[number - 1];
      const std::span<const ListItem> all = items[number];
      const size_t tail = std::min<size_t>(all.size(), number % 30);
      lists.push_back(
          PostingList::Build(number, padded, centroid, all.first(all.size() - tail), storage));
      for (const ListItem& item : all.last(tail)) {
        if (!lists.back()->Append(item)) lists.back() = lists.back()->Grown(std::span(&item, 1));
      }
    }
    table = ListTable::Empty(padded)->With({}, lists);
  }

  ListQuery Query(const std::vector<float>& query) const {
    std::vector<float> rotated(rotation.padded());
    rotation.Apply(query, rotated);
    return MakeListQuery(rotated, metric);
  }

  const Metric metric;
  const Rotation rotation;
  std::vector<std::vector<float>> vectors;
  CodeArray codes{0, 64};
  std::vector<std::string> keys;
  std::shared_ptr<const ListTable> table;
};

// What lists without codes leave on disk.
class WorldReader final : public FarReader {
 public:
  explicit WorldReader(const World& world) : world_(world) {}
  void Read(
      std::span<const FarEntry> entries,
      absl::FunctionRef<void(size_t i, const CodeView& code, std::string_view key)> take) override {
    reads += entries.size();
    for (size_t i = 0; i < entries.size(); ++i) {
      const std::shared_ptr<PostingList>& list = world_.table->Find(entries[i].list);
      bool is_there = false;
      list->ForEach([&](const ListItem& item) {
        is_there = is_there || item.document == entries[i].document;
      });
      CHECK(is_there);
      take(i, world_.codes[entries[i].document], world_.keys[entries[i].document]);
    }
  }
  size_t reads = 0;

 private:
  const World& world_;
};

std::vector<float> Best(std::vector<float> scores, size_t limit) {
  std::sort(scores.begin(), scores.end(), std::greater<>());
  scores.resize(std::min(limit, scores.size()));
  return scores;
}

std::vector<float> BruteForce(const World& world, const std::vector<float>& query, size_t limit,
                              absl::FunctionRef<bool(uint64_t)> accept) {
  std::vector<float> scores;
  for (size_t i = 0; i < world.vectors.size(); ++i) {
    if (accept(i)) scores.push_back(ExactScore(world.metric, query, world.vectors[i]));
  }
  return Best(std::move(scores), limit);
}

std::vector<float> Refined(const World& world, const std::vector<float>& query,
                           const ListCandidates& found, size_t limit) {
  std::vector<float> scores;
  for (const ListCandidate& c : found.candidates) {
    scores.push_back(ExactScore(world.metric, query, world.vectors[c.document]));
    CHECK(c.key == world.keys[c.document]);
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
  std::vector<std::vector<float>> centres;
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
