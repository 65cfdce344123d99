// The recall that is asked for is delivered. Oracle: comparing everything, in the test.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "support/slow_build.h"
#include "support/store_test.h"
#include "support/vector_lists.h"

namespace libkv {
namespace {

TEST_CASE("many vectors are found with the recall that was asked for, before and after an open") {
  for (const VectorMemory memory : kMemories) {
    CAPTURE(static_cast<int>(memory));
    const TempDir dir;
    Model model;
    Points points(1, 200);
    const size_t count = Scaled(9'000);
    {
      const std::unique_ptr<Store> store =
          OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
      Fill(*store, model, count, [&](size_t) { return points.Any(); });
      WaitForLists(*store, count);
      for (const double target : {0.90, 0.95, 0.99}) {
        CAPTURE(target);
        CHECK(Recall(*store, model, points, target) >= target - 0.02);
      }
      // What was measured is told.
      const std::vector<SpaceStats::Recall> told = store->Stats().spaces.at(0).recall;
      for (const SpaceStats::Recall& point : told) {
        CAPTURE(point.target);
        CHECK(point.delivered >= point.target);
        CHECK(point.delivered <= 1);
        const double found = Recall(*store, model, points, point.target);
        CHECK(std::abs(point.delivered - found) < 0.05);
      }
      CheckExact(*store, model, points);
    }
    const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
    // At once, while most lists are on disk only.
    CHECK(Recall(*store, model, points, 0.95, 20) >= 0.85);
    WaitForLists(*store, count);
    CHECK(Recall(*store, model, points, 0.95) >= 0.93);
    CheckExact(*store, model, points);

    Options read_only = VectorOptions(Metric::kL2, memory);
    read_only.read_only = true;
    const std::unique_ptr<Store> reader = OpenStore(dir.path(), read_only);
    CHECK(Recall(*reader, model, points, 0.95, 20) >= 0.85);
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
  for (size_t i = 0; i < 300; ++i) queries.push_back(points.Of(i % kGone));
  for (int pass = 0; pass < 6; ++pass) {  // some of the queries are remembered
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
  size_t found = 0;
  for (const Vector& query : queries) {
    const std::vector<std::string> truth = Nearest(model, query, 10);
    for (const std::string& key : KeysOf(store->Similar({.recall_target = 0.95}, query))) {
      found += std::find(truth.begin(), truth.end(), key) != truth.end() ? 1 : 0;
    }
  }
  CHECK(static_cast<double>(found) / static_cast<double>(10 * queries.size()) >= 0.94);
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
      size_t found = 0;
      for (int q = 0; q < 100; ++q) {
        const Vector query = points.Any();
        const std::vector<std::string> truth = KeysOf(store->Similar({.exact = true}, query));
        for (const std::string& key : KeysOf(store->Similar({.recall_target = 0.95}, query))) {
          found += std::find(truth.begin(), truth.end(), key) != truth.end() ? 1 : 0;
        }
      }
      CHECK(found >= 930);
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
