// Vectors that are written, overwritten and deleted while the keeper changes the lists around them.
// Oracle: comparing everything, in the test.
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/slow_build.h"
#include "support/store_test.h"
#include "support/vector_lists.h"

namespace libkv {
namespace {

TEST_CASE("whoever is written is found at once, while lists are made and split around it") {
  for (const VectorMemory memory : kMemories) {
    CAPTURE(static_cast<int>(memory));
    // Sorted order is the hardest: every cluster comes whole, into lists that know nothing of it.
    const TempDir dir;
    const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
    Model model;
    Points points(2, 100);
    std::atomic<bool> stop{false};
    std::atomic<int> lost{0}, asked{0};
    std::atomic<size_t> written{0};
    std::vector<Vector> vectors;
    for (size_t i = 0; i < Scaled(20'000); ++i)
      vectors.push_back(points.Of(i * 100 / Scaled(20'000)));
    std::thread reader([&] {
      std::mt19937_64 random(3);
      while (!stop) {
        const size_t there = written.load();
        if (there == 0) continue;
        const size_t i = random() % there;
        const auto found = store->Similar({.limit = 1, .exact = asked % 2 == 0}, vectors[i]);
        if (!found.ok() || found->empty() || (*found)[0].key != "v" + std::to_string(i)) ++lost;
        ++asked;
      }
    });
    for (size_t begin = 0; begin < vectors.size(); begin += 500) {
      std::vector<std::pair<std::string, Vector>> items;
      for (size_t i = begin; i < begin + 500; ++i) {
        items.emplace_back("v" + std::to_string(i), vectors[i]);
      }
      Put(*store, model, items);
      written = begin + 500;
    }
    stop = true;
    reader.join();
    CHECK(asked > 0);
    CHECK(lost == 0);
    WaitForLists(*store, vectors.size());
    CHECK(store->Stats().spaces[0].vector_lists > vectors.size() / 500);
    const std::vector<Question> questions = QuestionsOf(model, points, kManyQuestions);
    for (const double target : {0.90, 0.95, 0.99}) {
      CAPTURE(target);
      CHECK(RecallOf(*store, questions, {.recall_target = target}) >= target - kRecallSlack);
    }
    CheckExact(*store, model, points);
  }
}

TEST_CASE("overwritten and deleted vectors are not found, and leave the rest as it was") {
  for (const VectorMemory memory : kMemories) {
    CAPTURE(static_cast<int>(memory));
    const TempDir dir;
    std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
    Model model;
    Points points(4, 50);
    Fill(*store, model, Scaled(8'000), [&](size_t i) { return points.Of(i % 50); });
    WaitForLists(*store, model.size());
    // Every second value of all clusters, and five clusters whole.
    Batch batch;
    for (size_t i = 0; i < Scaled(8'000); ++i) {
      const std::string key = "v" + std::to_string(i);
      if (i % 50 >= 5 && i % 100 >= 50) continue;
      batch.Delete(key);
      model.erase(key);
    }
    REQUIRE_OK(store->Apply({}, batch));
    CheckExact(*store, model, points);
    // The same keys with other vectors.
    Fill(*store, model, Scaled(8'000), [&](size_t i) { return points.Of((i + 7) % 50); });
    WaitForLists(*store, model.size());
    CheckExact(*store, model, points);
    const std::vector<Question> questions = QuestionsOf(model, points);
    CHECK(RecallOf(*store, questions, {.recall_target = 0.95}) >= 0.95 - kRecallSlack);
    store.reset();
    store = OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
    CheckExact(*store, model, points);
    WaitForLists(*store, model.size());
    CheckExact(*store, model, points);
  }
}

}  // namespace
}  // namespace libkv
