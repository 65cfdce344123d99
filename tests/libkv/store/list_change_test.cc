// A change of lists, settled and put in force: every vector is in one list before and after,
// whatever came or died while it was worked out.
#include "store/list_change.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "index/vector_rows.h"
#include "support/store_test.h"

namespace libkv {
namespace {

constexpr size_t kPadded = 64;

struct Values {
  std::vector<int8_t> bytes = std::vector<int8_t>(kPadded, 0);
  explicit Values(int8_t first) { bytes[0] = first; }
  CodeView code() const { return {{1.0F, float(bytes[0]) * float(bytes[0])}, bytes}; }
};

void Add(SpaceIndex& index, uint32_t list, uint64_t document, int8_t first, uint64_t born) {
  const Values values(first);
  index.vectors()->Add(list, {.document = document,
                              .key = "k" + std::to_string(document),
                              .born = born,
                              .code = values.code()});
  index.vectors()->Publish();
}

std::map<uint64_t, uint32_t> ListsAt(const SpaceIndex& index, uint64_t sequence) {
  std::map<uint64_t, uint32_t> lists;
  index.vectors()->view().lists->ForEach([&](const std::shared_ptr<PostingList>& list) {
    list->ForEach([&](const ListItem& item) {
      if (item.born > sequence || item.died <= sequence) return;
      CHECK(lists.emplace(item.document, list->number()).second);
    });
  });
  return lists;
}

TEST_CASE("vectors move once, and what came meanwhile finds its list") {
  const auto index = std::make_shared<SpaceIndex>(kPadded, 1'000);
  for (uint64_t document = 1; document <= 4; ++document) {
    Add(*index, kFlatList, document, static_cast<int8_t>(document % 2 == 0 ? 10 : -10), document);
  }
  ListChange make(5, index);
  make.Make(1, Values(10).code());
  make.Make(2, Values(-10).code());
  REQUIRE(make.Settle());
  make.Apply(5);
  ListChange drain(5, index);
  for (uint64_t document = 1; document <= 4; ++document) {
    drain.Move(document, kFlatList, document % 2 == 0 ? 1 : 2);
  }
  // While it was worked out: one dies, another one comes.
  index->vectors()->Kill(kFlatList, 3, 6);
  Add(*index, kFlatList, 9, 10, 7);
  REQUIRE(drain.Settle());
  drain.Apply(8);
  CHECK(ListsAt(*index, 5) == std::map<uint64_t, uint32_t>{{1, 0}, {2, 0}, {3, 0}, {4, 0}});
  CHECK(ListsAt(*index, 7) == std::map<uint64_t, uint32_t>{{1, 0}, {2, 0}, {4, 0}, {9, 0}});
  CHECK(ListsAt(*index, 8) == std::map<uint64_t, uint32_t>{{1, 2}, {2, 1}, {4, 1}, {9, 0}});

  // List 1 is split, and removed from under a newcomer.
  ListChange split(5, index);
  split.Make(1, Values(20).code());
  split.Make(3, Values(5).code());
  split.Move(2, 1, 3);
  Add(*index, 1, 10, 19, 9);
  REQUIRE(split.Settle());
  split.Apply(10);
  CHECK(ListsAt(*index, 10) ==
        std::map<uint64_t, uint32_t>{{1, 2}, {2, 3}, {4, 1}, {9, 0}, {10, 1}});
  CHECK(index->vectors()->view().complete_from == 10);
  ListChange merge(5, index);
  merge.Move(4, 1, 3);
  merge.Remove(1);
  Add(*index, 1, 11, -9, 11);
  REQUIRE(merge.Settle());
  merge.Apply(12);
  CHECK(index->vectors()->view().lists->Find(1) == nullptr);
  CHECK(ListsAt(*index, 12) ==
        std::map<uint64_t, uint32_t>{{1, 2}, {2, 3}, {4, 3}, {9, 0}, {10, 3}, {11, 2}});
}

}  // namespace
}  // namespace libkv
