// Lists of vectors in a store: they are made, split, merged and read back behind everybody's back,
// and no search may notice. Oracle: comparing everything, in the test.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "support/slow_build.h"
#include "support/store_test.h"

namespace libkv {
namespace {

constexpr size_t kDimension = 24;
constexpr size_t kExactMax = Scaled(4'000);
// With all codes in memory, and with bits alone.
constexpr VectorMemory kMemories[] = {VectorMemory::kCodes, VectorMemory::kBits};
using Vector = std::vector<float>;

// Points around random centres, as texts of some subjects are.
class Points {
 public:
  Points(uint64_t seed, size_t clusters, size_t dimension = kDimension)
      : dimension_(dimension), random_(seed) {
    for (size_t i = 0; i < clusters; ++i) centres_.push_back(Uniform());
  }
  Vector Of(size_t cluster) {
    Vector point = centres_[cluster];
    std::normal_distribution<float> noise(0, 0.25F);
    for (float& x : point) x += noise(random_);
    return point;
  }
  Vector Any() { return Of(random_() % centres_.size()); }

 private:
  Vector Uniform() {
    std::uniform_real_distribution<float> uniform(-1, 1);
    Vector point(dimension_);
    for (float& x : point) x = uniform(random_);
    return point;
  }
  size_t dimension_;
  std::mt19937_64 random_;
  std::vector<Vector> centres_;
};

Options VectorOptions(Metric metric = Metric::kL2, VectorMemory memory = VectorMemory::kCodes) {
  Space space;
  space.vector_dimension = kDimension;
  space.metric = metric;
  space.vector_memory = memory;
  Options options;
  options.spaces = {space};
  options.exact_vectors_max = kExactMax;
  return options;
}

using Model = std::map<std::string, Vector>;

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
          const std::string& prefix = "v") {
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

// How many of the keys that were found are among the true ones.
size_t CountTrue(const std::vector<std::string>& found, const std::vector<std::string>& truth) {
  size_t count = 0;
  for (const std::string& key : found) {
    count += std::find(truth.begin(), truth.end(), key) != truth.end() ? 1 : 0;
  }
  return count;
}

// The mean share of the ten nearest that searches with this target find.
double Recall(const Store& store, const Model& model, Points& points, double target,
              size_t queries = 100) {
  size_t found = 0;
  for (size_t q = 0; q < queries; ++q) {
    const Vector query = points.Any();
    found += CountTrue(KeysOf(store.Similar({.recall_target = target}, query)),
                       Nearest(model, query, 10));
  }
  return static_cast<double>(found) / static_cast<double>(10 * queries);
}

// Exact searches are exact, and Verify is content.
void CheckExact(const Store& store, const Model& model, Points& points) {
  for (int q = 0; q < 10; ++q) {
    const Vector query = points.Any();
    CHECK(KeysOf(store.Similar({.exact = true}, query)) == Nearest(model, query, 10));
  }
  CheckVerifies(store);
}

// Lists that are longer are still to be split.
constexpr uint64_t kLongestMean = 600;

// Waits until the lists are there and their recall was measured.
void WaitForLists(const Store& store, size_t vectors, size_t space = 0) {
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

// What vectors take in memory once that does not change any more: for longer than the keeper takes,
// on a busy machine, from the last change to its last tidying, with a measurement in between.
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

TEST_CASE("lists that have become short are merged, also those of before an open") {
  for (const VectorMemory memory : kMemories) {
    CAPTURE(static_cast<int>(memory));
    const TempDir dir;
    Model model;
    Points points(7, 200);
    const size_t count = Scaled(9'000);
    {
      const std::unique_ptr<Store> store =
          OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
      Fill(*store, model, count, [&](size_t) { return points.Any(); });
      WaitForLists(*store, count);
      CHECK(store->Stats().spaces.at(0).vector_lists > 10);
      // All but one in thirty, and no time for the keeper.
      Batch batch;
      size_t place = 0;
      for (auto it = model.begin(); it != model.end();) {
        if (place++ % 30 == 0) {
          ++it;
          continue;
        }
        batch.Delete(it->first);
        it = model.erase(it);
      }
      REQUIRE_OK(store->Apply({}, batch));
    }
    const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
    const uint64_t lists_max = std::max<uint64_t>(1, model.size() / 20);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (store->Stats().spaces.at(0).vector_lists > lists_max &&
           std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    const uint64_t lists = store->Stats().spaces.at(0).vector_lists;
    CHECK(lists >= 1);
    CHECK(lists <= lists_max);
    CheckExact(*store, model, points);
    CheckVerifies(*store);
  }
}

TEST_CASE("while lists are read after an open, who is written and who is deleted is seen at once") {
  // Goal: reading many lists together misses nothing that is written meanwhile, and searches take
  // no list for theirs that is newer than they are. Method: writes, deletions and searches from the
  // first moment on, over opens in a row; the oracle is asked after each.
  for (const VectorMemory memory : kMemories) {
    CAPTURE(static_cast<int>(memory));
    const TempDir dir;
    Model model;
    Points points(11, 200);
    const size_t count = Scaled(9'000);
    {
      const std::unique_ptr<Store> store =
          OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
      Fill(*store, model, count, [&](size_t) { return points.Any(); });
      WaitForLists(*store, count);
    }
    for (size_t open = 0; open < 3; ++open) {
      const std::unique_ptr<Store> store =
          OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
      for (size_t i = 0; i < 20; ++i) {
        const Vector point = points.Any();
        Put(*store, model, {{"new" + std::to_string(open) + "." + std::to_string(i), point}});
        const std::string gone = Nearest(model, point, 2)[1];
        REQUIRE_OK(store->Delete({.durability = Durability::kWritten}, gone));
        model.erase(gone);
        const std::vector<std::string> found = KeysOf(store->Similar({.exact = true}, point));
        REQUIRE(found == Nearest(model, point, 10));
      }
      WaitForLists(*store, model.size());
      CheckExact(*store, model, points);
    }
  }
}

TEST_CASE("lists at rest are as small in memory as lists that were just read") {
  // Goal: what splits and deletions leave in memory does not slow down every search until the next
  // open. Method: the bytes of both, which tails and dead entries would make a third more.
  const TempDir dir;
  Model model;
  Points points(8, 200);
  const size_t count = Scaled(9'000);
  uint64_t at_rest = 0;
  {
    const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions(Metric::kL2));
    Fill(*store, model, count + count / 20, [&](size_t) { return points.Any(); });
    for (size_t i = 0; i < count / 20; ++i) {
      const std::string key = "v" + std::to_string(20 * i);
      REQUIRE_OK(store->Delete({.durability = Durability::kWritten}, key));
      model.erase(key);
    }
    WaitForLists(*store, count);
    at_rest = BytesAtRest(*store);
    CheckExact(*store, model, points);
  }
  const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions(Metric::kL2));
  WaitForLists(*store, count);
  const uint64_t just_read = store->Stats().spaces.at(0).vector_bytes;
  CHECK(static_cast<double>(at_rest) <= 1.01 * static_cast<double>(just_read));
  CheckExact(*store, model, points);
}

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
    for (const double target : {0.90, 0.95, 0.99}) {
      CAPTURE(target);
      CHECK(Recall(*store, model, points, target) >= target - 0.02);
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
    CHECK(Recall(*store, model, points, 0.95) >= 0.93);
    store.reset();
    store = OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
    CheckExact(*store, model, points);
    WaitForLists(*store, model.size());
    CheckExact(*store, model, points);
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

TEST_CASE("a snapshot finds what there was, whatever happens to the lists after it") {
  for (const VectorMemory memory : kMemories) {
    CAPTURE(static_cast<int>(memory));
    const TempDir dir;
    std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
    Model model, later;
    Points points(5, 50);
    Fill(*store, model, Scaled(4'100), [&](size_t) { return points.Any(); });
    for (int round = 0; round < 2; ++round) {
      CAPTURE(round);  // 0: before there are lists; 1: lists that were not read yet
      if (round == 1) {
        store.reset();
        store = OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
      }
      const std::shared_ptr<const Snapshot> snapshot = store->GetSnapshot();
      later = model;
      Fill(*store, later, Scaled(2'500), [&](size_t) { return points.Any(); });
      if (round == 0) WaitForLists(*store, later.size());
      for (int q = 0; q < 20; ++q) {
        const Vector query = points.Any();
        CHECK(KeysOf(store->Similar({.exact = true, .snapshot = snapshot}, query)) ==
              Nearest(model, query, 10));
        CHECK(KeysOf(store->Similar({.exact = true}, query)) == Nearest(later, query, 10));
      }
      model = later;
    }
    CheckVerifies(*store);
  }
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

TEST_CASE("a prefix narrows a search in lists without losing neighbours") {
  for (const VectorMemory memory : kMemories) {
    CAPTURE(static_cast<int>(memory));
    const TempDir dir;
    const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions(Metric::kL2, memory));
    Model model, narrow;
    Points points(7, 100);
    Fill(
        *store, model, Scaled(8'000), [&](size_t) { return points.Any(); }, "a");
    Fill(
        *store, narrow, 400, [&](size_t) { return points.Any(); }, "b");
    WaitForLists(*store, model.size() + narrow.size());
    constexpr size_t kQueries = 50;
    size_t found = 0;
    for (size_t q = 0; q < kQueries; ++q) {
      const Vector query = points.Any();
      const std::vector<std::string> truth = Nearest(narrow, query, 10);
      SimilarOptions options{.prefix = "b", .recall_target = 0.95, .exact = true};
      CHECK(KeysOf(store->Similar(options, query)) == truth);
      options.exact = false;
      const std::vector<std::string> keys = KeysOf(store->Similar(options, query));
      CHECK(keys.size() == 10);
      for (const std::string& key : keys) CHECK(narrow.contains(key));
      found += CountTrue(keys, truth);
    }
    CHECK(static_cast<double>(found) / (10 * kQueries) >= 0.9);
  }
}

TEST_CASE("what is in memory of vectors can change with an open, and while a store is in use") {
  const TempDir dir;
  Model model;
  Points points(8, 100);
  const auto options = [](VectorMemory memory) { return VectorOptions(Metric::kCosine, memory); };
  const auto check = [&](const Store& store) {
    const SpaceStats stats = store.Stats().spaces.at(0);
    CHECK(stats.vectors == model.size());
    for (int q = 0; q < 5; ++q) {
      const Vector query = points.Any();
      const auto exact = KeysOf(store.Similar({.exact = true}, query));
      CHECK(exact.size() == 10);
      CHECK(KeysOf(store.Similar({.recall_target = 1}, query)) == exact);
    }
    CheckVerifies(store);
    return stats.vector_bytes;
  };
  uint64_t bytes_of_codes = 0;
  {
    const auto store = OpenStore(dir.path(), options(VectorMemory::kCodes));
    Fill(*store, model, Scaled(9'000), [&](size_t) { return points.Any(); });
    WaitForLists(*store, model.size());
    BytesAtRest(*store);  // later it will be at rest, too
    bytes_of_codes = check(*store);
    const auto snapshot = store->GetSnapshot();
    const Vector query = points.Any();
    const auto before = KeysOf(store->Similar({.exact = true}, query));
    REQUIRE_OK(store->DefineSpace(options(VectorMemory::kBits).spaces[0]));
    CHECK(store->SpaceOf("v0")->vector_memory == VectorMemory::kBits);
    CHECK(check(*store) < bytes_of_codes);
    CHECK(KeysOf(store->Similar({.exact = true, .snapshot = snapshot}, query)) == before);
    Fill(*store, model, Scaled(10'000), [&](size_t) { return points.Any(); });
    check(*store);
  }
  {
    const auto store = OpenStore(dir.path());  // as it was
    CHECK(store->SpaceOf("v0")->vector_memory == VectorMemory::kBits);
    WaitForLists(*store, model.size());
    CHECK(check(*store) < bytes_of_codes);
  }
  const auto store = OpenStore(dir.path(), options(VectorMemory::kCodes));
  WaitForLists(*store, model.size());
  CHECK(check(*store) >= bytes_of_codes);
}

TEST_CASE("by bits alone a filter or a key to leave out loses no neighbour") {
  // Goal: what cannot be asked of an entry without its key is asked otherwise. Oracle: the same
  // space with all its codes.
  const TempDir dir;
  const std::unique_ptr<Store> store = [&] {
    Options options = VectorOptions(Metric::kL2, VectorMemory::kBits);
    options.spaces[0].prefix = "b";
    options.spaces[0].fields = {"n"};
    options.spaces.push_back(options.spaces[0]);
    options.spaces[1].prefix = "c";
    options.spaces[1].vector_memory = VectorMemory::kCodes;
    return OpenStore(dir.path(), options);
  }();
  Points points(9, 60);
  Batch batch;
  const size_t count = Scaled(10'000);
  for (size_t i = 0; i < count; ++i) {
    const Vector vector = points.Any();
    SetOptions with;
    with.vector = vector;
    const std::string value = "{\"n\":" + std::to_string(i % 1'000) + "}";
    for (const char* space : {"b", "c"}) {
      batch.Set(space + std::to_string(i % 7) + "/" + std::to_string(i), value, with);
    }
  }
  REQUIRE_OK(store->Apply({}, batch));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  const auto is_ready = [&] {
    const StoreStats stats = store->Stats();
    return stats.spaces[0].recall.size() + stats.spaces[1].recall.size() >= 2;
  };
  while (!is_ready() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  REQUIRE(is_ready());
  const auto found = [&](std::string space, SimilarOptions options, const Vector& query) {
    options.prefix = space + options.prefix;
    std::string keys;
    for (const std::string& key : KeysOf(store->Similar(options, query)))
      keys += key.substr(1) + " ";
    return keys;
  };
  size_t same = 0, asked = 0;
  for (const char* prefix : {"", "3", "3/1"}) {
    for (const double passing : {1'000.0, 500.0, 100.0, 10.0, 1.0}) {
      CAPTURE(prefix);
      CAPTURE(passing);
      SimilarOptions options{.prefix = prefix, .exact = true};
      FieldFilter filter;
      filter.field = "n";
      filter.last = FieldValue(passing - 1);
      options.filters = {filter};
      const Vector query = points.Any();
      const std::string exact = found("c", options, query);
      CHECK(found("b", options, query) == exact);
      options.exact = false;
      options.recall_target = 0.99;
      same += found("b", options, query) == exact ? 1 : 0;
      ++asked;
    }
  }
  CHECK(same * 10 >= asked * 8);
  const auto like = store->SimilarTo({.prefix = "b", .exact = true}, "b0/7");
  REQUIRE_OK(like);
  const auto like_codes = store->SimilarTo({.prefix = "c", .exact = true}, "c0/7");
  REQUIRE_OK(like_codes);
  REQUIRE(like->size() == like_codes->size());
  for (size_t i = 0; i < like->size(); ++i) {
    CHECK((*like)[i].key.substr(1) == (*like_codes)[i].key.substr(1));
    CHECK((*like)[i].key != "b0/7");
  }
  CheckVerifies(*store);
}

TEST_CASE("fields, words and prefixes of every width find in lists what was asked for") {
  // Goal: whether the nearest are asked one by one, or all that pass are known before, as many of
  // the true neighbours are found. Method: shares of values at random, down to one in a thousand,
  // and one that the nearest all fail; the field is the number of the key modulo 1,000, or above
  // 1,000 for a cluster, and the words say the same of the number. The keys are in five parts,
  // which a prefix tells apart.
  const TempDir dir;
  Options options = VectorOptions(Metric::kL2);
  options.spaces[0].fields = {"n"};
  options.spaces[0].text = true;
  options.spaces[0].text_fields = {"text"};
  const std::unique_ptr<Store> store = OpenStore(dir.path(), options);
  Points points(17, 20);
  const size_t count = Scaled(9'000);
  struct Value {
    Vector vector;
    int number = 0;
    std::set<std::string> words;
  };
  std::map<std::string, Value> values;
  const auto key_of = [](size_t i) {
    return "v" + std::to_string(i % 5) + "/" + std::to_string(i);
  };
  Batch batch;
  for (size_t i = 0; i < count; ++i) {
    const bool is_apart = i % 20 == 0;
    Value value{points.Of(i % 20), static_cast<int>(i % 1'000 + (is_apart ? 1'000 : 0)), {}};
    std::string text;
    for (const auto& [word, last] : std::map<std::string, int>{
             {"single", 1}, {"tenfold", 10}, {"hundred", 100}, {"majority", 500}, {"near", 999}}) {
      if (value.number > last) continue;
      value.words.insert(word);
      text += word + " ";
    }
    SetOptions with;
    with.vector = value.vector;
    batch.Set(key_of(i),
              R"({"n":)" + std::to_string(value.number) + R"(,"text":")" + text + R"("})", with);
    values[key_of(i)] = value;
  }
  REQUIRE_OK(store->Apply({}, batch));
  WaitForLists(*store, count);

  // The share of the true neighbours that was found: of stored values with `of_keys`, else of other
  // vectors. Exact searches are asked on the way.
  const auto recall = [&](SimilarOptions similar, size_t query_cluster, bool of_keys, int queries,
                          const std::function<bool(const Value&)>& passes) {
    size_t found = 0, wanted = 0;
    for (int q = 0; q < queries; ++q) {
      const std::string own = key_of(query_cluster + 20 * static_cast<size_t>(q));
      const Vector query = of_keys ? values[own].vector : points.Of(query_cluster);
      Model passing;
      for (const auto& [key, value] : values) {
        if (!key.starts_with(similar.prefix) || !passes(value)) continue;
        if (!of_keys || key != own) passing[key] = value.vector;
      }
      const std::vector<std::string> truth = Nearest(passing, query, 10);
      const auto ask = [&] {
        return KeysOf(of_keys ? store->SimilarTo(similar, own) : store->Similar(similar, query));
      };
      similar.exact = true;
      CHECK(ask() == truth);
      similar.exact = false;
      const std::vector<std::string> keys = ask();
      CHECK(keys.size() == truth.size());
      for (const std::string& key : keys) CHECK(passing.contains(key));
      found += CountTrue(keys, truth);
      wanted += truth.size();
    }
    REQUIRE(wanted > 0);
    return static_cast<double>(found) / static_cast<double>(wanted);
  };
  const auto by_field = [](int last) {
    SimilarOptions similar;
    similar.filters = {{.field = "n", .last = FieldValue(double(last))}};
    return similar;
  };
  for (const int last : {1, 10, 20, 100, 300, 500, 999, 1'990}) {
    CAPTURE(last);
    const auto passes = [&](const Value& value) { return value.number <= last; };
    CHECK(recall(by_field(last), 7, false, 50, passes) >= 0.93);
    CHECK(recall(by_field(last), 0, false, 50, passes) >= 0.93);  // nearly all that is near fails
  }
  for (const std::string word : {"single", "tenfold", "hundred", "majority", "near"}) {
    CAPTURE(word);
    const auto passes = [&](const Value& value) { return value.words.contains(word); };
    SimilarOptions similar;
    similar.words = word;
    CHECK(recall(similar, 7, false, 25, passes) >= 0.93);
    CHECK(recall(similar, 0, false, 25, passes) >= 0.93);
  }
  for (const char* prefix : {"v3", "v3/1"}) {
    CAPTURE(prefix);
    for (const size_t cluster : {7, 8}) {  // numbers of values under other prefixes, and under it
      CAPTURE(cluster);
      SimilarOptions similar{.prefix = prefix};
      CHECK(recall(similar, cluster, true, 25, [](const Value&) { return true; }) >= 0.93);
      similar = by_field(300);
      similar.prefix = prefix;
      CHECK(recall(similar, cluster, true, 25,
                   [](const Value& value) { return value.number <= 300; }) >= 0.93);
    }
  }
}

TEST_CASE("texts find in lists what was asked for, under a prefix and with a filter too") {
  // Goal: SimilarText and SimilarTo with a prefix narrower than the space's lose no neighbours.
  // Method: texts of some subjects; what the embedder makes of them is compared here. Equally near
  // ones count as well: two texts may have the same words.
  const std::shared_ptr<const Embedder> embedder = MakeHashEmbedder();
  std::mt19937_64 random(19);
  const auto word = [&] {
    std::string letters;
    for (size_t i = 0, length = 4 + random() % 6; i < length; ++i) {
      letters += static_cast<char>('a' + random() % 26);
    }
    return letters;
  };
  constexpr size_t kSubjects = 20;
  std::vector<std::vector<std::string>> subjects(kSubjects);
  for (auto& words : subjects) {
    for (int i = 0; i < 30; ++i) words.push_back(word());
  }
  const auto text_of = [&](size_t subject) {
    std::string text;
    for (size_t i = 0, length = 8 + random() % 8; i < length; ++i) {
      text += subjects[subject][random() % 30] + " ";
    }
    return text;
  };
  const auto embed = [&](EmbedKind kind, const std::string& text) {
    Vector vector(embedder->dimension());
    const std::string_view view = text;
    REQUIRE_OK(embedder->Embed(kind, std::span(&view, 1), vector));
    return vector;
  };
  const TempDir dir;
  Options options;
  Space space;
  space.prefix = "t";
  space.text_fields = {"text"};
  space.fields = {"n"};
  space.embedder = embedder;
  options.spaces = {space};
  options.exact_vectors_max = kExactVectorsMin;
  const std::unique_ptr<Store> store = OpenStore(dir.path(), options);
  Model model;
  std::map<std::string, int> numbers;
  Batch batch;
  const size_t count = kExactVectorsMin + 500;
  for (size_t i = 0; i < count; ++i) {
    const std::string key = "t" + std::to_string(i % 3) + "/" + std::to_string(i);
    const std::string text = text_of(random() % kSubjects);
    numbers[key] = static_cast<int>(random() % 10);
    model[key] = embed(EmbedKind::kDocument, text);
    batch.Set(key, R"({"n":)" + std::to_string(numbers[key]) + R"(,"text":")" + text + R"("})");
  }
  REQUIRE_OK(store->Apply({}, batch));
  WaitForLists(*store, count);

  constexpr double kSame = 1e-5;  // of scores, which are floats
  for (const bool by_key : {false, true}) {
    for (const char* prefix : {"t", "t1", "t1/1"}) {
      for (const int last : {9, 4, 0}) {  // all, a half, a tenth
        CAPTURE(by_key);
        CAPTURE(prefix);
        CAPTURE(last);
        SimilarOptions similar{.prefix = prefix, .recall_target = 0.95};
        if (last < 9) similar.filters = {{.field = "n", .last = FieldValue(double(last))}};
        size_t found = 0, wanted = 0;
        for (int q = 0; q < 20; ++q) {
          const std::string own = "t" + std::to_string(q % 3) + "/" + std::to_string(q);
          const std::string text = text_of(random() % kSubjects);
          const Vector query = by_key ? model[own] : embed(EmbedKind::kQuery, text);
          Model passing;
          for (const auto& [key, vector] : model) {
            if (!key.starts_with(prefix) || numbers[key] > last) continue;
            if (!by_key || key != own) passing[key] = vector;
          }
          const std::vector<std::string> truth = Nearest(passing, query, 10);
          REQUIRE(truth.size() == 10);
          const double furthest = Distance2(query, passing[truth.back()]) + kSame;
          for (const bool exact : {true, false}) {
            similar.exact = exact;
            const std::vector<std::string> keys =
                KeysOf(by_key ? store->SimilarTo(similar, own) : store->SimilarText(similar, text));
            CHECK(keys.size() == 10);
            size_t near = 0;
            for (const std::string& key : keys) {
              REQUIRE(passing.contains(key));
              near += Distance2(query, passing[key]) <= furthest ? 1 : 0;
            }
            if (exact) CHECK(near == 10);
            if (!exact) found += near;
          }
          wanted += 10;
        }
        CHECK(static_cast<double>(found) / static_cast<double>(wanted) >= 0.9);
      }
    }
  }
  CheckVerifies(*store);
}

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
