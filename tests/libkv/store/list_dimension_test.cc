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
  constexpr size_t kAsked = 100;
  Options options;
  options.exact_vectors_max = kExactVectorsMin;
  struct OfDimension {
    uint32_t dimension;
    size_t count;
    Points points;
    Model model;  // by numbers
    std::vector<Question> questions;
  };
  OfDimension both[] = {
      {1, 2'000, Points(23, 4, 1), {}, {}},
      {kVectorDimensionMax, kExactVectorsMin + 100, Points(25, 4, kVectorDimensionMax), {}, {}}};
  std::vector<OfDimension*> of_space;
  for (OfDimension& of : both) {
    for (const VectorMemory memory : kMemories) {
      Space space = VectorSpace(of.dimension, Metric::kL2, std::to_string(of_space.size()) + "/");
      space.vector_memory = memory;
      options.spaces.push_back(space);
      of_space.push_back(&of);
    }
    for (size_t i = 0; i < of.count; ++i) of.model[std::to_string(i)] = of.points.Any();
    of.questions = QuestionsOf(of.model, of.points, kAsked);
  }
  const TempDir dir;
  std::unique_ptr<Store> store = OpenStore(dir.path(), options);
  const auto check = [&] {
    for (size_t i = 0; i < of_space.size(); ++i) {
      CAPTURE(i);
      WaitForLists(*store, of_space[i]->model.size(), i);
      Recall recall;
      SimilarOptions similar{.prefix = options.spaces[i].prefix, .recall_target = 0.95};
      for (size_t q = 0; q < kAsked; ++q) {
        const auto& [query, truth] = of_space[i]->questions[q];
        const auto ask = [&, &question = query] {
          std::vector<std::string> keys = KeysOf(store->Similar(similar, question));
          for (std::string& key : keys) key.erase(0, similar.prefix.size());
          return keys;
        };
        similar.exact = true;
        if (q < 20) CHECK(ask() == truth);
        similar.exact = false;
        const std::vector<std::string> keys = ask();
        CHECK(keys.size() == 10);
        recall.Add(keys, truth);
      }
      CHECK(recall.mean() >= 0.95 - kRecallSlack);
    }
  };
  for (size_t i = 0; i < of_space.size(); ++i) {
    Model written;
    const Model& model = of_space[i]->model;
    const auto make = [&](size_t n) { return model.at(std::to_string(n)); };
    Fill(*store, written, model.size(), make, options.spaces[i].prefix);
  }
  check();
  for (const Space& space : options.spaces) {
    Batch batch;
    const size_t count = of_space[static_cast<size_t>(&space - options.spaces.data())]->count;
    for (size_t n = 0; n < count; n += 20) batch.Delete(space.prefix + std::to_string(n));
    REQUIRE_OK(store->Apply({}, batch));
  }
  for (OfDimension& of : both) {
    std::erase_if(of.model, [&](const auto& item) { return std::stoul(item.first) % 20 == 0; });
    for (auto& [query, truth] : of.questions) truth = Nearest(of.model, query, 10);
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
