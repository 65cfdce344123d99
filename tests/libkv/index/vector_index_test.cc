// What a space keeps of its vectors: additions, deaths and lists that are read while both go on.
#include "index/vector_index.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace libkv {
namespace {

constexpr size_t kPadded = 64;

struct Item {
  std::vector<int8_t> values = std::vector<int8_t>(kPadded, 1);
  std::string key;
  ListItem item;
  Item(uint64_t document, uint64_t born) : key("k" + std::to_string(document)) {
    values[document % kPadded] = 100;
    item = {.document = document, .key = key, .born = born, .code = {{0.5F, 1'000.0F}, values}};
  }
};

// The documents of a list that are seen at `sequence`.
std::set<uint64_t> Seen(const VectorIndex& index, uint32_t list, uint64_t sequence) {
  std::set<uint64_t> seen;
  index.view().lists->Find(list)->ForEach([&](const ListItem& item) {
    if (item.born <= sequence && sequence < item.died) seen.insert(item.document);
  });
  return seen;
}

std::shared_ptr<PostingList> List(uint32_t number, const std::vector<ListItem>& items) {
  static const std::vector<int8_t> kCentre(kPadded, 1);
  return PostingList::Build(number, kPadded, {{0.5F, 16.0F}, kCentre}, items);
}

TEST_CASE("additions are seen from their sequence on, deaths to theirs") {
  VectorIndex index(kPadded, 1'000);
  for (uint64_t document = 1; document <= 300; ++document) {
    index.Add(kFlatList, Item(document, document).item);
  }
  index.Publish();
  index.Kill(kFlatList, 5, 301);
  index.Kill(kFlatList, 999, 301);  // nobody
  CHECK(index.live() == 299);
  CHECK(index.last_document() == 300);
  CHECK(Seen(index, kFlatList, 10).size() == 10);
  CHECK(Seen(index, kFlatList, 300).count(5) == 1);
  CHECK(Seen(index, kFlatList, 301).count(5) == 0);
  CHECK_FALSE(index.has_lists());
}

TEST_CASE("a list that is read meanwhile misses nothing and has nothing twice") {
  VectorIndex index(kPadded, 1'000);
  const Item old(1, 0), moved(2, 0);
  const auto unloaded = PostingList::Unloaded(7, kPadded, List(7, {})->centroid());
  index.SetUnloaded(std::span(&unloaded, 1), /*last_document=*/2);
  CHECK(index.has_lists());
  CHECK_FALSE(index.is_loaded());
  index.Add(7, Item(3, 9).item);  // on disk only, as the list is

  index.BeginLoad(7);
  CHECK(index.last_document() == 3);
  // The snapshot has sequence 10. Document 2 moved here before it, 4 is new, 1 dies after it.
  index.Add(7, Item(2, 10).item);
  index.Add(7, Item(4, 11).item);
  index.Kill(7, 1, 12);
  index.FinishLoad({List(7, {old.item, moved.item, Item(3, 0).item})}, /*sequence=*/10);
  CHECK(index.is_loaded());
  CHECK(Seen(index, 7, 10) == std::set<uint64_t>{1, 2, 3});
  CHECK(Seen(index, 7, 12) == std::set<uint64_t>{2, 3, 4});
  CHECK(index.view().lists->Find(7)->size() == 4);
  CHECK(index.live() == 3);
  // Whoever reads at a sequence before the snapshot must not take this view.
  CHECK(index.view().complete_from == 10);
}

TEST_CASE("lists that are read together miss nothing of what came meanwhile") {
  VectorIndex index(kPadded, 1'000);
  std::vector<std::shared_ptr<PostingList>> unloaded;
  for (const uint32_t number : {7, 8, 9}) {
    unloaded.push_back(PostingList::Unloaded(number, kPadded, List(number, {})->centroid()));
  }
  index.SetUnloaded(unloaded, /*last_document=*/2);
  index.BeginLoad(7);
  index.BeginLoad(8);
  index.Add(7, Item(3, 11).item);
  index.Add(8, Item(4, 12).item);
  index.Add(9, Item(5, 13).item);  // which nobody reads: it stays on disk
  index.Kill(8, 2, 14);
  const Item first(1, 0), second(2, 0);
  index.FinishLoad({List(7, {first.item}), List(8, {second.item})}, /*sequence=*/10);
  CHECK_FALSE(index.is_loaded());
  CHECK(Seen(index, 7, 14) == std::set<uint64_t>{1, 3});
  CHECK(Seen(index, 8, 13) == std::set<uint64_t>{2, 4});
  CHECK(Seen(index, 8, 14) == std::set<uint64_t>{4});
  CHECK_FALSE(index.view().lists->Find(9)->is_loaded());
  CHECK(index.live() == 3);
}

TEST_CASE("a read that failed leaves the list to the next one") {
  VectorIndex index(kPadded, 1'000);
  const auto unloaded = PostingList::Unloaded(7, kPadded, List(7, {})->centroid());
  index.SetUnloaded(std::span(&unloaded, 1), 0);
  index.BeginLoad(7);
  index.Add(7, Item(1, 5).item);
  index.AbortLoad(7);
  CHECK_FALSE(index.is_loaded());
  index.BeginLoad(7);
  index.FinishLoad({List(7, {Item(1, 0).item})}, 6);
  CHECK(Seen(index, 7, 6) == std::set<uint64_t>{1});
}

TEST_CASE("lists become due when they are long, and when half of them is dead") {
  VectorIndex index(kPadded, 1'000);
  const auto list = List(3, {});
  index.Replace({}, std::span(&list, 1), 0);
  for (uint64_t document = 1; document < VectorIndex::kListDue; ++document) {
    index.Add(3, Item(document, document).item);
  }
  index.Publish();
  CHECK(index.due_count() == 0);
  index.Add(3, Item(1'000, 1'000).item);
  CHECK(index.TakeDue() == std::vector<uint32_t>{3});
  CHECK(index.due_count() == 0);
  index.Rest(3, 2 * VectorIndex::kListDue);  // it cannot be split
  index.Add(3, Item(1'001, 1'001).item);
  CHECK(index.due_count() == 0);
  for (uint64_t document = 1; document <= VectorIndex::kListDue / 2 + 1; ++document) {
    index.Kill(3, document, 2'000);
  }
  CHECK(index.TakeDue() == std::vector<uint32_t>{3});
}

TEST_CASE("one in some queries is remembered, and not more than a bound") {
  VectorIndex index(kPadded, 1'000);
  for (int i = 0; i < 10'000; ++i) index.Remember(std::vector<float>(3, static_cast<float>(i)));
  const std::vector<std::vector<float>> recent = index.RecentQueries();
  CHECK(recent.size() == 128);
  for (const std::vector<float>& query : recent) CHECK(query.size() == 3);
}

}  // namespace
}  // namespace libkv
