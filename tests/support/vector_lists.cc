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
  MESSAGE("points of seed ", seed);
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
  double sums[4] = {};  // one would wait for itself
  size_t i = 0;
  for (; i + 4 <= a.size(); i += 4) {
    for (size_t j = 0; j < 4; ++j) {
      const double difference = double{a[i + j]} - b[i + j];
      sums[j] += difference * difference;
    }
  }
  for (; i < a.size(); ++i) sums[0] += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return sums[0] + sums[1] + sums[2] + sums[3];
}

std::vector<std::string> Nearest(const Model& model, const Vector& query, size_t limit,
                                 const std::string& without) {
  struct Near {
    double distance2;
    const std::string* key;
    bool operator<(const Near& other) const {
      return distance2 != other.distance2 ? distance2 < other.distance2 : *key < *other.key;
    }
  };
  std::vector<Near> all;
  all.reserve(model.size());
  for (const auto& [key, vector] : model) {
    if (key != without) all.push_back({Distance2(query, vector), &key});
  }
  limit = std::min(limit, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(limit), all.end());
  std::vector<std::string> keys;
  for (size_t i = 0; i < limit; ++i) keys.push_back(*all[i].key);
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

std::vector<Question> QuestionsOf(const Model& model, Points& points, size_t count) {
  std::vector<Question> questions;
  for (size_t i = 0; i < count; ++i) {
    Vector query = points.Any();
    std::vector<std::string> truth = Nearest(model, query, 10);
    questions.push_back({std::move(query), std::move(truth)});
  }
  return questions;
}

void Recall::Add(const std::vector<std::string>& found, const std::vector<std::string>& truth) {
  found_ += CountTrue(found, truth);
  wanted_ += truth.size();
}

double Recall::mean() const {
  REQUIRE(wanted_ > 0);
  return static_cast<double>(found_) / static_cast<double>(wanted_);
}

double RecallOf(const Store& store, const std::vector<Question>& questions,
                const SimilarOptions& options) {
  Recall recall;
  for (const Question& question : questions) {
    recall.Add(KeysOf(store.Similar(options, question.query)), question.truth);
  }
  return recall.mean();
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
