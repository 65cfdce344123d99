// What lists keep in memory: no more than they need, and what the space says.
#include <memory>
#include <string>

#include "support/slow_build.h"
#include "support/store_test.h"
#include "support/vector_lists.h"

namespace libkv {
namespace {

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

}  // namespace
}  // namespace libkv
