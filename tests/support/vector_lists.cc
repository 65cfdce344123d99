#include "support/vector_lists.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "support/store_test.h"

namespace libkv {
namespace {

// Lists that are longer are still to be split.
constexpr uint64_t kLongestMean = 600;

}  // namespace

Points::Points(uint64_t seed, size_t clusters, size_t dimension)
    : dimension_(dimension), random_(seed) {
  for (size_t i = 0; i < clusters; ++i) centres_.push_back(Uniform());
}

Vector Points::Of(size_t cluster) {
  Vector point = centres_[cluster];
  std::normal_distribution<float> noise(0, 0.25F);
  for (float& x : point) x += noise(random_);
  return point;
}

Vector Points::Uniform() {
  std::uniform_real_distribution<float> uniform(-1, 1);
  Vector point(dimension_);
  for (float& x : point) x = uniform(random_);
  return point;
}

Options VectorOptions(Metric metric, VectorMemory memory) {
  Space space;
  space.vector_dimension = kDimension;
  space.metric = metric;
  space.vector_memory = memory;
  Options options;
  options.spaces = {space};
  options.exact_vectors_max = kExactMax;
  return options;
}

void Put(Store& store, Model& model, const std::vector<std::pair<std::string, Vector>>& items) {
  Batch batch;
  for (const auto& [key, vector] : items) {
    SetOptions with;
    with.vector = vector;
    batch.Set(key, "", with);
    model[key] = vector;
  }
  REQUIRE_OK(store.Apply({.durability = Durability::kWritten}, batch));
}

void Fill(Store& store, Model& model, size_t count, const std::function<Vector(size_t)>& make,
          const std::string& prefix) {
  std::vector<std::pair<std::string, Vector>> items;
  for (size_t i = 0; i < count; ++i) {
    items.emplace_back(prefix + std::to_string(i), make(i));
    if (items.size() < 1'000 && i + 1 < count) continue;
    Put(store, model, items);
    items.clear();
  }
}

double Distance2(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return sum;
}

std::vector<std::string> Nearest(const Model& model, const Vector& query, size_t limit) {
  std::vector<std::pair<double, std::string>> all;
  for (const auto& [key, vector] : model) all.emplace_back(Distance2(query, vector), key);
  limit = std::min(limit, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(limit), all.end());
  std::vector<std::string> keys;
  for (size_t i = 0; i < limit; ++i) keys.push_back(all[i].second);
  return keys;
}

std::vector<std::string> KeysOf(const absl::StatusOr<std::vector<Neighbor>>& found) {
  REQUIRE_OK(found);
  std::vector<std::string> keys;
  for (const Neighbor& neighbor : *found) keys.push_back(neighbor.key);
  return keys;
}

size_t CountTrue(const std::vector<std::string>& found, const std::vector<std::string>& truth) {
  size_t count = 0;
  for (const std::string& key : found) {
    count += std::find(truth.begin(), truth.end(), key) != truth.end() ? 1 : 0;
  }
  return count;
}

double Recall(const Store& store, const Model& model, Points& points, double target,
              size_t queries) {
  size_t found = 0;
  for (size_t q = 0; q < queries; ++q) {
    const Vector query = points.Any();
    found += CountTrue(KeysOf(store.Similar({.recall_target = target}, query)),
                       Nearest(model, query, 10));
  }
  return static_cast<double>(found) / static_cast<double>(10 * queries);
}

void CheckExact(const Store& store, const Model& model, Points& points) {
  for (int q = 0; q < 10; ++q) {
    const Vector query = points.Any();
    CHECK(KeysOf(store.Similar({.exact = true}, query)) == Nearest(model, query, 10));
  }
  CheckVerifies(store);
}

void WaitForLists(const Store& store, size_t vectors, size_t space) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  uint64_t lists = 0;
  for (int quiet = 0; quiet < 3 && std::chrono::steady_clock::now() < end;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const SpaceStats stats = store.Stats().spaces.at(space);
    const bool is_ready = stats.vector_lists > 0 && !stats.recall.empty() &&
                          stats.vectors == vectors && stats.recall_age <= vectors / 10 &&
                          stats.vectors / stats.vector_lists <= kLongestMean;
    quiet = is_ready && stats.vector_lists == lists ? quiet + 1 : 0;
    lists = stats.vector_lists;
  }
  const SpaceStats stats = store.Stats().spaces.at(space);
  REQUIRE(stats.vectors == vectors);
  REQUIRE(stats.vector_lists > 0);
  REQUIRE_FALSE(stats.recall.empty());
}

uint64_t BytesAtRest(const Store& store) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  uint64_t bytes = store.Stats().spaces.at(0).vector_bytes;
  for (int quiet = 0; quiet < 25 && std::chrono::steady_clock::now() < end;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const uint64_t now = store.Stats().spaces.at(0).vector_bytes;
    quiet = now == bytes ? quiet + 1 : 0;
    bytes = now;
  }
  return bytes;
}

}  // namespace libkv
