// Lists of vectors in a store: they are made, split, merged and read back behind everybody's back,
// and no search may notice. Oracle: comparing everything, in the test.
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

}  // namespace
}  // namespace libkv
