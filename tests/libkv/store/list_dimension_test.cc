// Vectors at the limits, in lists: of the fewest and the most dimensions, and all the same.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/slow_build.h"
#include "support/store_test.h"
#include "support/vector_lists.h"

namespace libkv {
namespace {

TEST_CASE("vectors of one dimension, and of as many as may be, are found in lists as others are") {
  // Method: a space for both and each kind of memory, in one store; exactly what comparing
  // everything finds, and by a target most of it; before and after some are deleted and an open.
  Options options;
  options.exact_vectors_max = kExactVectorsMin;
  std::vector<Points> points;
  std::vector<Model> models;
  for (const uint32_t dimension : {uint32_t{1}, uint32_t{kVectorDimensionMax}}) {
    for (const VectorMemory memory : kMemories) {
      Space space = VectorSpace(dimension, Metric::kL2, std::to_string(models.size()) + "/");
      space.vector_memory = memory;
      options.spaces.push_back(space);
      points.emplace_back(23 + models.size(), 4, dimension);
      models.emplace_back();
    }
  }
  const TempDir dir;
  std::unique_ptr<Store> store = OpenStore(dir.path(), options);
  const auto check = [&] {
    for (size_t i = 0; i < models.size(); ++i) {
      CAPTURE(i);
      WaitForLists(*store, models[i].size(), i);
      constexpr size_t kQueries = 20;
      size_t found = 0;
      for (size_t q = 0; q < kQueries; ++q) {
        const Vector query = points[i].Any();
        const std::vector<std::string> truth = Nearest(models[i], query, 10);
        SimilarOptions similar{
            .prefix = options.spaces[i].prefix, .recall_target = 0.95, .exact = true};
        CHECK(KeysOf(store->Similar(similar, query)) == truth);
        similar.exact = false;
        const std::vector<std::string> keys = KeysOf(store->Similar(similar, query));
        CHECK(keys.size() == 10);
        found += CountTrue(keys, truth);
      }
      CHECK(static_cast<double>(found) / (10 * kQueries) >= 0.9);
    }
  };
  for (size_t i = 0; i < models.size(); ++i) {
    const size_t count = options.spaces[i].vector_dimension == 1 ? 2'000 : kExactVectorsMin + 100;
    const auto make = [&](size_t) { return points[i].Any(); };
    Fill(*store, models[i], count, make, options.spaces[i].prefix);
  }
  check();
  for (size_t i = 0; i < models.size(); ++i) {
    Batch batch;
    for (size_t n = 0; n < models[i].size(); n += 20) {
      batch.Delete(options.spaces[i].prefix + std::to_string(n));
    }
    REQUIRE_OK(store->Apply({}, batch));
    std::erase_if(models[i], [&](const auto& item) {
      return std::stoul(item.first.substr(options.spaces[i].prefix.size())) % 20 == 0;
    });
  }
  check();
  store.reset();
  store = OpenStore(dir.path(), options);
  check();
  CheckVerifies(*store);
}

TEST_CASE("vectors that are all the same neither stop the keeper nor the search") {
  const TempDir dir;
  const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions());
  Model model;
  const Vector same(kDimension, 0.5F);
  Fill(*store, model, Scaled(10'000), [&](size_t) { return same; });
  Vector other = same;
  other[3] = 0.75F;
  Put(*store, model, {{"other", other}});
  for (int i = 0; i < 600 && store->Stats().spaces[0].vector_lists == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  CHECK(store->Stats().spaces[0].vector_lists > 0);
  CHECK(KeysOf(store->Similar({.limit = 1}, other)) == std::vector<std::string>{"other"});
  CHECK(KeysOf(store->Similar({.limit = 3, .exact = true}, same)) ==
        std::vector<std::string>{"v0", "v1", "v10"});
  CHECK(store->Similar({.limit = 100}, same)->size() == 100);
  CheckVerifies(*store);
  // Targets are known to be reached: no search has to read every full vector.
  for (int i = 0; i < 600 && store->Stats().spaces[0].recall.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const std::vector<SpaceStats::Recall> recall = store->Stats().spaces[0].recall;
  REQUIRE(recall.size() == 3);
  for (const SpaceStats::Recall& point : recall) {
    CHECK(point.delivered >= point.target);
  }
  for (const std::string& key : KeysOf(store->Similar({.limit = 100}, same))) CHECK(key != "other");
}

}  // namespace
}  // namespace libkv
