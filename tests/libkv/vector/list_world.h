// Vectors, their codes and a table of lists of them, and comparing everything as the oracle: what
// the tests of searches in lists share.
#ifndef LIBKV_TESTS_LIBKV_VECTOR_LIST_WORLD_H_
#define LIBKV_TESTS_LIBKV_VECTOR_LIST_WORLD_H_

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "vector/clustering.h"
#include "vector/exact_candidates.h"
#include "vector/list_search.h"
#include "vector/metric.h"
#include "vector/rotation.h"

namespace libkv {

inline constexpr auto kAll = [](const BlockEntry&) { return true; };
inline constexpr auto kNoLoad = [](const PostingList&) {
  return std::shared_ptr<const PostingList>();
};
inline constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kL2, Metric::kInnerProduct};

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

inline std::vector<float> Best(std::vector<float> scores, size_t limit) {
  std::sort(scores.begin(), scores.end(), std::greater<>());
  scores.resize(std::min(limit, scores.size()));
  return scores;
}

inline std::vector<float> BruteForce(const World& world, const std::vector<float>& query,
                                     size_t limit, absl::FunctionRef<bool(uint64_t)> accept) {
  std::vector<float> scores;
  for (size_t i = 0; i < world.vectors.size(); ++i) {
    if (accept(i)) scores.push_back(ExactScore(world.metric, query, world.vectors[i]));
  }
  return Best(std::move(scores), limit);
}

inline std::vector<float> Refined(const World& world, const std::vector<float>& query,
                                  const ListCandidates& found, size_t limit) {
  std::vector<float> scores;
  for (const ListCandidate& c : found.candidates) {
    scores.push_back(ExactScore(world.metric, query, world.vectors[c.document]));
    CHECK(c.key == world.keys[c.document]);
  }
  return Best(std::move(scores), limit);
}

inline std::vector<float> Gaussian(std::mt19937& random, size_t dimension, float deviation) {
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> vector(dimension);
  for (float& x : vector) x = normal(random);
  return vector;
}

inline std::vector<float> Sum(std::vector<float> a, const std::vector<float>& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

// The shapes of data that rounding could be unkind to.
struct Shape {
  const char* name;
  std::function<std::vector<float>(std::mt19937&, size_t dimension)> draw;
};

inline std::vector<Shape> Shapes(std::mt19937& random, size_t dimension) {
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

}  // namespace libkv

#endif  // LIBKV_TESTS_LIBKV_VECTOR_LIST_WORLD_H_
