// What Stats tells of splits and merges of lists of vectors.
#include <chrono>
#include <functional>
#include <random>
#include <thread>

#include "support/store_test.h"

namespace libkv {
namespace {

constexpr size_t kDimension = 8;
constexpr size_t kBatch = 500;

Options VectorOptions(VectorMemory memory) {
  Space space;
  space.vector_dimension = kDimension;
  space.metric = Metric::kL2;
  space.vector_memory = memory;
  Options options;
  options.spaces = {space};
  options.exact_vectors_max = kExactVectorsMin;
  return options;
}

SpaceStats StatsOf(const Store& store) { return store.Stats().spaces.at(0); }

bool Waited(const Store& store, const std::function<bool(const SpaceStats&)>& is_reached) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (!is_reached(StatsOf(store))) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

// What Stats says once nothing is done to the lists any more.
SpaceStats Settled(const Store& store) {
  constexpr int kEqualLooks = 20;
  SpaceStats before = StatsOf(store);
  int equal = 0;
  REQUIRE(Waited(store, [&](const SpaceStats& stats) {
    std::this_thread::sleep_for(std::chrono::milliseconds(90));
    const bool is_equal = stats.vector_lists == before.vector_lists &&
                          stats.list_splits == before.list_splits &&
                          stats.list_merges == before.list_merges;
    equal = is_equal ? equal + 1 : 0;
    before = stats;
    return equal == kEqualLooks;
  }));
  return before;
}

void Fill(Store& store, size_t first, size_t last, std::mt19937_64& random) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (size_t i = first; i < last;) {
    Batch batch;
    for (const size_t end = std::min(last, i + kBatch); i < end; ++i) {
      std::vector<float> vector(kDimension);
      for (float& x : vector) x = uniform(random);
      SetOptions with;
      with.vector = vector;
      batch.Set("k" + std::to_string(i), "", with);
    }
    REQUIRE_OK(store.Apply({.durability = Durability::kWritten}, batch));
  }
}

}  // namespace

TEST_CASE("every split makes one list more and every merge one less, counted since the open") {
  // Goal: the counters tell what happened. Method: vectors until lists are made; then more, until
  // some are split, and few are left, until some are merged. The number of lists must be that of
  // before, and the splits since, without the merges since.
  for (const VectorMemory memory : {VectorMemory::kCodes, VectorMemory::kBits}) {
    CAPTURE(static_cast<int>(memory));
    const uint64_t seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const TempDir dir;
    constexpr size_t kFirst = 2 * kExactVectorsMin, kLast = 12 * kExactVectorsMin;
    {
      const std::unique_ptr<Store> store = OpenStore(dir.path(), VectorOptions(memory));
      Fill(*store, 0, kFirst, random);
      REQUIRE(Waited(*store, [](const SpaceStats& stats) { return stats.vector_lists > 0; }));
      const SpaceStats made = Settled(*store);
      Fill(*store, kFirst, kLast, random);
      REQUIRE(Waited(*store, [](const SpaceStats& stats) { return stats.list_splits > 2; }));
      Batch batch;
      for (size_t i = 0; i < kLast; ++i) {
        if (i % 200 != 0) batch.Delete("k" + std::to_string(i));
      }
      REQUIRE_OK(store->Apply({}, batch));
      REQUIRE(Waited(*store, [](const SpaceStats& stats) { return stats.list_merges > 2; }));
      const SpaceStats left = Settled(*store);
      CHECK(left.vector_lists + left.list_merges - made.list_merges ==
            made.vector_lists + left.list_splits - made.list_splits);
      CheckVerifies(*store);
    }
    Options read_only = VectorOptions(memory);
    read_only.read_only = true;
    const std::unique_ptr<Store> reader = OpenStore(dir.path(), read_only);
    CHECK(StatsOf(*reader).list_splits == 0);
    CHECK(StatsOf(*reader).list_merges == 0);
  }
}

}  // namespace libkv
