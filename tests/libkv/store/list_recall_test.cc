// The recall that is asked for is delivered. Oracle: comparing everything, in the test.
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/slow_build.h"
#include "support/store_test.h"
#include "support/vector_lists.h"

namespace libkv {
namespace {

TEST_CASE("many vectors are found with the recall that was asked for, before and after an open") {
  // The same vectors and questions for both kinds of memory.
  Points points(1, 200);
  const size_t count = Scaled(9'000);
  Model model;
  for (size_t i = 0; i < count; ++i) model["v" + std::to_string(i)] = points.Any();
  const std::vector<Question> questions = QuestionsOf(model, points, kManyQuestions);
  for (const VectorMemory memory : kMemories) {
    CAPTURE(static_cast<int>(memory));
    const TempDir dir;
    {
      const std::unique_ptr<Store> store =
          OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
      Fill(*store, model, count, [&](size_t i) { return model["v" + std::to_string(i)]; });
      WaitForLists(*store, count);
      std::map<double, double> found;
      for (const double target : {0.90, 0.95, 0.99}) {
        CAPTURE(target);
        found[target] = RecallOf(*store, questions, {.recall_target = target});
        CHECK(found[target] >= target - kRecallSlack);
      }
      // What was measured is told.
      const std::vector<SpaceStats::Recall> told = store->Stats().spaces.at(0).recall;
      REQUIRE(told.size() == found.size());
      for (const SpaceStats::Recall& point : told) {
        CAPTURE(point.target);
        CHECK(point.delivered >= point.target);
        CHECK(point.delivered <= 1);
        CHECK(std::abs(point.delivered - found.at(point.target)) < 0.05);
      }
      CheckExact(*store, model, points);
    }
    const SimilarOptions usual{.recall_target = 0.95};
    const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
    // At once, while most lists are on disk only.
    CHECK(RecallOf(*store, questions, usual) >= 0.95 - kRecallSlack);
    WaitForLists(*store, count);
    CHECK(RecallOf(*store, questions, usual) >= 0.95 - kRecallSlack);
    CheckExact(*store, model, points);

    Options read_only = VectorOptions(Metric::kL2, memory);
    read_only.read_only = true;
    const std::unique_ptr<Store> reader = OpenStore(dir.path(), read_only);
    CHECK(RecallOf(*reader, questions, usual) >= 0.95 - kRecallSlack);
    CheckExact(*reader, model, points);
  }
}

TEST_CASE("who asks where the vectors are gone finds as much as was asked for, too") {
  // Goal: how deep searches look is not measured by stored vectors alone, which lie where vectors
  // are. Method: half of the clusters goes; all queries are of these, before and after.
  const TempDir dir;
  const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions());
  Model model;
  constexpr size_t kClusters = 60, kGone = 30;
  Points points(11, kClusters);
  const size_t count = Scaled(12'000);
  Fill(*store, model, count, [&](size_t i) { return points.Of(i % kClusters); });
  WaitForLists(*store, count);
  std::vector<Vector> queries;
  for (size_t i = 0; i < kQuestions; ++i) queries.push_back(points.Of(i % kGone));
  for (int pass = 0; pass < 4; ++pass) {  // some of the queries are remembered
    for (const Vector& query : queries) REQUIRE_OK(store->Similar({.recall_target = 0.95}, query));
  }
  Batch batch;
  for (size_t i = 0; i < count; ++i) {
    if (i % kClusters >= kGone) continue;
    const std::string key = "v" + std::to_string(i);
    batch.Delete(key);
    model.erase(key);
  }
  REQUIRE_OK(store->Apply({}, batch));
  WaitForLists(*store, model.size());
  Recall recall;
  for (const Vector& query : queries) {
    recall.Add(KeysOf(store->Similar({.recall_target = 0.95}, query)), Nearest(model, query, 10));
  }
  CHECK(recall.mean() >= 0.95 - kRecallSlack);
}

TEST_CASE("cosine and inner product find what was asked for too") {
  for (const VectorMemory memory : kMemories) {
    CAPTURE(static_cast<int>(memory));
    for (const Metric metric : {Metric::kCosine, Metric::kInnerProduct}) {
      CAPTURE(static_cast<int>(metric));
      const TempDir dir;
      const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions(metric, memory));
      Model model;
      Points points(6, 100);
      Fill(*store, model, Scaled(5'000), [&](size_t) { return points.Any(); });
      WaitForLists(*store, model.size());
      Recall recall;
      for (size_t q = 0; q < kQuestions; ++q) {
        const Vector query = points.Any();
        recall.Add(KeysOf(store->Similar({.recall_target = 0.95}, query)),
                   KeysOf(store->Similar({.exact = true}, query)));
      }
      CHECK(recall.mean() >= 0.95 - kRecallSlack);
      CheckVerifies(*store);
    }
  }
}

TEST_CASE("recall targets outside of (0, 1] are refused") {
  const TempDir dir;
  const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions());
  const Vector query(kDimension, 1.0F);
  for (const double target : {0.0, -1.0, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(absl::IsInvalidArgument(store->Similar({.recall_target = target}, query).status()));
  }
  CHECK_OK(store->Similar({.recall_target = 1}, query));
}

}  // namespace
}  // namespace libkv
