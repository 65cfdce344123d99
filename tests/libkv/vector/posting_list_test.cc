#include "vector/posting_list.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "vector/code_array.h"
#include "vector/list_table.h"

namespace libkv {
namespace {

// Items whose parts all follow from their document.
class Items {
 public:
  Items(size_t count, size_t padded, size_t key_bytes = 10) : codes_(count, padded) {
    std::mt19937 random(71);
    std::normal_distribution<float> normal;
    std::vector<float> vector(padded);
    for (size_t i = 0; i < count; ++i) {
      for (float& x : vector) x = normal(random);
      codes_.Encode(i, vector);
      std::string key = std::to_string(i);
      keys_.push_back(std::string(key_bytes - std::min(key_bytes, key.size()), 'k') + key);
    }
    for (size_t i = 0; i < count; ++i) {
      items_.push_back({.document = 1'000 + i, .key = keys_[i], .code = codes_[i]});
    }
  }

  std::vector<ListItem>& all() { return items_; }
  std::span<const ListItem> some(size_t begin, size_t count) const {
    return std::span(items_).subspan(begin, count);
  }
  CodeView centroid() const { return codes_[0]; }
  bool IsWhole(const ListItem& item) const {
    const ListItem& expected = items_.at(item.document - 1'000);
    return item.key == expected.key && item.code.code.scale == expected.code.code.scale &&
           item.code.code.norm2 == expected.code.code.norm2 &&
           std::equal(item.code.values.begin(), item.code.values.end(),
                      expected.code.values.begin(), expected.code.values.end());
  }

 private:
  CodeArray codes_;
  std::vector<std::string> keys_;
  std::vector<ListItem> items_;
};

std::vector<uint64_t> Documents(const PostingList& list, const Items& items) {
  std::vector<uint64_t> documents;
  list.ForEach([&](const ListItem& item) {
    CHECK(items.IsWhole(item));
    documents.push_back(item.document);
  });
  return documents;
}

std::vector<uint64_t> Visible(const PostingList& list, uint64_t sequence, int64_t now) {
  std::vector<uint64_t> documents;
  list.ForEachBlock([&](const EntryBlock& block) {
    for (size_t row = 0; row < block.rows(); ++row) {
      const BlockEntry view(&block, row);
      if (view.VisibleAt(sequence, now)) documents.push_back(view.document());
    }
  });
  return documents;
}

std::vector<uint64_t> Range(uint64_t begin, uint64_t end) {
  std::vector<uint64_t> range;
  for (uint64_t i = begin; i < end; ++i) range.push_back(1'000 + i);
  return range;
}

CodeView CentroidFor(uint32_t number, const Items& items) {
  return number == kFlatList ? CodeView{} : items.centroid();
}

TEST_CASE("a list holds its items in order, whatever their number") {
  const Items items(600, 64);
  for (const uint32_t number : {kFlatList, 5u}) {
    for (const size_t count : {0, 1, 11, 12, 31, 32, 33, 64, 255, 256, 257, 600}) {
      CAPTURE(number);
      CAPTURE(count);
      const auto list =
          PostingList::Build(number, 64, CentroidFor(number, items), items.some(0, count));
      CHECK(list->number() == number);
      CHECK(list->is_loaded());
      CHECK(list->size() == count);
      CHECK(list->live() == count);
      CHECK(Documents(*list, items) == Range(0, count));
      CHECK(Visible(*list, 0, 0).size() == count);
    }
  }
}

TEST_CASE("rows lie at cache lines, one-bit codes beside them in numbered lists only") {
  const Items items(100, 128);
  const auto list = PostingList::Build(1, 128, items.centroid(), items.some(0, 96));
  const auto flat = PostingList::Build(kFlatList, 128, {}, items.some(0, 96));
  list->ForEachBlock([](const EntryBlock& block) {
    CHECK(reinterpret_cast<uintptr_t>(block.values(1)) % 64 == 0);
    REQUIRE(block.bits() != nullptr);
    CHECK(reinterpret_cast<uintptr_t>(block.bits()) % 64 == 0);
  });
  flat->ForEachBlock([](const EntryBlock& block) { CHECK(block.bits() == nullptr); });
}

TEST_CASE("entries are appended until the tail is full, and the successor has room again") {
  const Items items(3'000, 64);
  for (const uint32_t number : {kFlatList, 9u}) {
    CAPTURE(number);
    auto list = PostingList::Build(number, 64, CentroidFor(number, items), items.some(0, 40));
    size_t successors = 0;
    std::vector<std::shared_ptr<PostingList>> old;
    for (size_t i = 40; i < 3'000; ++i) {
      const ListItem& item = items.some(i, 1)[0];
      if (!list->Append(item)) {
        old.push_back(list);
        list = list->Grown({&item, 1});
        ++successors;
      }
      CHECK(list->size() == i + 1);
      CHECK(list->live() == i + 1);
    }
    CHECK(Documents(*list, items) == Range(0, 3'000));
    const size_t room = number == kFlatList ? 256 : 32;
    CHECK(successors <= 3'000 / room);
    CHECK(successors >= 2'960 / (room + 1) - 1);
    for (const auto& before : old) CHECK(Documents(*before, items) == Range(0, before->size()));
    // Full blocks are shared, not copied.
    const auto last = old.back();
    size_t shared = 0;
    for (const EntryBlockPointer& block : last->blocks()) {
      shared += std::count(list->blocks().begin(), list->blocks().end(), block) != 0;
    }
    CHECK(shared + 1 >= last->blocks().size());
  }
}

TEST_CASE("blocks that were built together lie side by side, and live as long as one is in use") {
  const Items items(100, 64);
  auto list = PostingList::Build(9, 64, CentroidFor(9, items), items.some(0, 100));
  REQUIRE(list->blocks().size() == 4);
  const ptrdiff_t scanned = static_cast<ptrdiff_t>(OneBitBlockBytes(64) + sizeof(OneBitFactors) +
                                                   kOneBitRows * sizeof(float));
  CHECK(list->blocks()[1]->bits() - list->blocks()[0]->bits() == scanned);
  CHECK(list->blocks()[2]->bits() - list->blocks()[1]->bits() == scanned);
  const EntryBlockPointer block = list->blocks()[1];
  list.reset();
  REQUIRE(block->rows() == kOneBitRows);
  for (size_t row = 0; row < kOneBitRows; ++row) {
    const ListItem& expected = items.some(kOneBitRows + row, 1)[0];
    const ListItem item = block->item(row);
    CHECK(item.document == expected.document);
    CHECK(item.key == expected.key);
    CHECK(item.code.code.norm2 == expected.code.code.norm2);
    CHECK(std::equal(item.code.values.begin(), item.code.values.end(), expected.code.values.begin(),
                     expected.code.values.end()));
  }
}

TEST_CASE("a list knows what building it anew would tidy up") {
  const Items items(100, 64);
  const auto list = PostingList::Build(9, 64, CentroidFor(9, items), items.some(0, 60));
  CHECK(list->loose() == 0);
  for (size_t i = 60; i < 65; ++i) REQUIRE(list->Append(items.some(i, 1)[0]));
  CHECK(list->loose() == 5);
  REQUIRE(list->Kill(items.some(3, 1)[0].document, 7));
  CHECK(list->loose() == 6);
}

TEST_CASE("what is visible depends on birth, death and expiry") {
  Items items(200, 64);
  std::mt19937 random(72);
  for (ListItem& item : items.all()) {
    if (random() % 2 == 0) item.born = 1 + random() % 10;
    if (random() % 2 == 0) item.expiry = 1 + static_cast<int64_t>(random() % 10);
    if (random() % 3 == 0) item.died = 5 + random() % 10;
  }
  for (const bool appended : {false, true}) {
    for (const uint32_t number : {kFlatList, 3u}) {
      CAPTURE(appended);
      CAPTURE(number);
      auto list = PostingList::Build(number, 64, CentroidFor(number, items),
                                     items.some(0, appended ? 0 : 200));
      for (const ListItem& item : items.some(0, appended ? 200 : 0)) {
        if (!list->Append(item)) list = list->Grown({&item, 1});
      }
      for (uint64_t sequence = 0; sequence <= 15; ++sequence) {
        for (int64_t now = 0; now <= 11; ++now) {
          std::vector<uint64_t> expected;
          size_t alive = 0;
          for (const ListItem& item : items.all()) {
            alive += item.died == kAlive;
            if (item.born > sequence || sequence >= item.died) continue;
            if (item.expiry != 0 && now >= item.expiry) continue;
            expected.push_back(item.document);
          }
          CHECK(Visible(*list, sequence, now) == expected);
          CHECK(list->live() == alive);
        }
      }
    }
  }
}

TEST_CASE("a killed entry is gone for later readers only") {
  const Items items(300, 64);
  for (const uint32_t number : {kFlatList, 4u}) {
    auto list = PostingList::Build(number, 64, CentroidFor(number, items), items.some(0, 290));
    for (const ListItem& item : items.some(290, 10)) REQUIRE(list->Append(item));
    for (const uint64_t document : {1'000, 1'031, 1'032, 1'289, 1'290, 1'299}) {
      CAPTURE(document);
      const size_t before = list->live();
      CHECK(list->Kill(document, 50));
      CHECK_FALSE(list->Kill(document, 60));
      CHECK(list->live() == before - 1);
      const std::vector<uint64_t> now = Visible(*list, 50, 0), then = Visible(*list, 49, 0);
      CHECK(std::count(now.begin(), now.end(), document) == 0);
      CHECK(std::count(then.begin(), then.end(), document) == 1);
    }
    CHECK_FALSE(list->Kill(7, 50));
    CHECK(list->size() == 300);
    const auto successor = list->Grown({});
    CHECK(successor->size() == 300);
    CHECK(successor->live() == 294);
    CHECK(Visible(*successor, 49, 0).size() == 300);
    CHECK(Visible(*successor, 50, 0).size() == 294);
  }
}

TEST_CASE("a successor leaves out what died before every reader, where it copies") {
  Items items(40, 64);
  for (ListItem& item : items.all()) item.born = 10;
  const auto list = PostingList::Build(6, 64, items.centroid(), items.some(0, 20));
  for (const ListItem& item : items.some(20, 20)) REQUIRE(list->Append(item));
  for (uint64_t document = 1'000; document < 1'010; ++document) {
    CHECK(list->Kill(document, 20 + document % 2));
  }
  const auto successor = list->Grown({}, 20);
  CHECK(successor->size() == 35);
  CHECK(successor->live() == 30);
  CHECK(Visible(*successor, 20, 0).size() == 35);
  CHECK(Visible(*successor, 21, 0).size() == 30);
  successor->ForEach([](const ListItem& item) { CHECK(item.born == 0); });
}

TEST_CASE("a list that is not loaded knows its centroid") {
  const Items items(1, 64);
  const auto list = PostingList::Unloaded(8, 64, items.centroid());
  CHECK_FALSE(list->is_loaded());
  CHECK(list->number() == 8);
  CHECK(list->size() == 0);
  CHECK(list->centroid().code.scale == items.centroid().code.scale);
}

TEST_CASE("an entry at rest of 384 dimensions and ten bytes of key costs 480 bytes at most") {
  const Items items(256, 384);
  const auto list = PostingList::Build(1, 384, items.centroid(), items.some(0, 256));
  MESSAGE("bytes per entry: ", static_cast<double>(list->memory_bytes()) / 256);
  CHECK(list->memory_bytes() <= 480 * 256);
  CHECK(list->memory_bytes() >= (384 + 48 + 12 + 8 + 5 + 2 + 10) * 256);
  // Lists of the mean length that they are made with, centroids included.
  const Items many(320, 384);
  std::vector<std::shared_ptr<PostingList>> lists;
  for (uint32_t number = 1; number <= 64; ++number) {
    lists.push_back(
        PostingList::Build(number, 384, many.centroid(), many.some(0, 160 + number % 32)));
  }
  const auto table = ListTable::Empty(384)->With({}, lists);
  const double bytes =
      static_cast<double>(table->memory_bytes()) / static_cast<double>(table->size());
  MESSAGE("bytes per entry of a table: ", bytes);
  CHECK(bytes <= 481);
}

TEST_CASE("entries have their keys and documents, however long and high") {
  // Goal: what is kept in few bytes is whole at their limits. Method: blocks whose keys together
  // are as long as two bytes can say, or longer, with and without a centroid; documents around
  // multiples of 2^32, of which those with equal low halves stand in one block.
  for (const size_t key_bytes : {0, 1, 2'047, 2'048, 65'535}) {
    CAPTURE(key_bytes);
    Items items(64, 64, key_bytes);
    std::vector<ListItem> entries(items.all().begin(), items.all().end());
    for (size_t i = 0; i < entries.size(); ++i) {
      entries[i].document = (uint64_t{i} << 32 | 5) + (i % 2);
    }
    entries.back().document = (uint64_t{1} << 40) - 1;
    for (const bool has_centroid : {false, true}) {
      CAPTURE(has_centroid);
      const auto list = has_centroid ? PostingList::Build(1, 64, items.centroid(), entries)
                                     : PostingList::Build(0, 64, {}, entries);
      size_t at = 0;
      list->ForEach([&](const ListItem& item) {
        REQUIRE(at < entries.size());
        CHECK(item.document == entries[at].document);
        CHECK(item.key == entries[at].key);
        ++at;
      });
      CHECK(at == entries.size());
      for (const size_t killed : {0, 31, 63}) {
        CHECK(list->Kill(entries[killed].document, 9));
        CHECK_FALSE(list->Kill(entries[killed].document, 9));
        CHECK_FALSE(list->Kill(entries[killed].document ^ uint64_t{1} << 39, 9));
      }
      CHECK(list->live() == entries.size() - 3);
    }
  }
}

TEST_CASE("by bits alone an entry of 384 dimensions costs 80 bytes at most, its list included") {
  // Lists of the mean length that they are made with.
  const Items items(320, 384);
  for (const ListStorage storage : {ListStorage::kBits, ListStorage::kBitsAndNorms}) {
    std::vector<std::shared_ptr<PostingList>> lists;
    for (uint32_t number = 1; number <= 64; ++number) {
      lists.push_back(PostingList::Build(number, 384, items.centroid(),
                                         items.some(0, 288 + number % 32), storage));
    }
    const auto table = ListTable::Empty(384)->With({}, lists);
    const double bytes =
        static_cast<double>(table->memory_bytes()) / static_cast<double>(table->size());
    MESSAGE("bytes per entry: ", bytes);
    CHECK(bytes <= 80);
    CHECK(bytes >= 48 + 12 + 5);
  }
}

TEST_CASE("a list by bits alone has the entries, bits and deaths of one with codes") {
  // Goal: whatever way an entry came into a list, its bits are those of its code. Method: a list
  // that grows one by one, loses entries and is built anew from itself, beside one built of all.
  std::mt19937 random(5);
  Items items(290, 64);
  auto list = PostingList::Build(4, 64, items.centroid(), items.some(0, 20), ListStorage::kBits);
  CHECK_FALSE(list->keeps_codes());
  std::vector<uint64_t> alive = Range(0, 20);
  for (size_t i = 20; i < 290; ++i) {
    CHECK_FALSE(list->Append(items.all()[i]));
    list = list->Grown(items.some(i, 1));
    alive.push_back(1'000 + i);
    if (i % 3 != 0) continue;
    const size_t victim = random() % alive.size();
    CHECK(list->Kill(alive[victim], 7));
    CHECK_FALSE(list->Kill(alive[victim], 8));
    alive.erase(alive.begin() + static_cast<ptrdiff_t>(victim));
  }
  CHECK(list->live() == alive.size());
  CHECK(Visible(*list, 7, 0) == alive);
  std::vector<ListItem> left;
  list->ForEach([&](const ListItem& item) {
    if (item.died == kAlive) left.push_back(item);
  });
  const auto cleaned = PostingList::Build(4, 64, items.centroid(), left, ListStorage::kBits);
  CHECK(Visible(*cleaned, 7, 0) == alive);
  const auto whole = PostingList::Build(4, 64, items.centroid(), items.all());
  std::map<uint64_t, uint64_t> hashes;
  whole->ForEachBlock([&](const EntryBlock& block) {
    if (block.bits() == nullptr) return;
    for (size_t row = 0; row < block.rows(); ++row) {
      hashes[block.document(row)] = block.BitsHash(row);
    }
  });
  for (const auto& one : {list, cleaned}) {
    one->ForEach([&](const ListItem& item) {
      CHECK(item.key.empty());
      CHECK(item.code.values.empty());
      if (hashes.contains(item.document)) {
        CHECK(item.block->BitsHash(item.row) == hashes[item.document]);
      }
    });
  }
  CHECK(hashes.size() >= 256);
}

TEST_CASE("entries that were born, expire or die cost more, in their block only") {
  Items items(96, 64);
  const auto build = [&] {
    return PostingList::Build(1, 64, items.centroid(), items.some(0, 96))->memory_bytes();
  };
  const size_t at_rest = build();
  items.all()[40].born = 3;
  CHECK(build() >= at_rest + 32 * 8);
  CHECK(build() <= at_rest + 32 * 8 + 64);
  items.all()[40].expiry = 3;
  CHECK(build() <= at_rest + 2 * 32 * 8 + 64);
  items.all()[40].died = 9;
  CHECK(build() <= at_rest + 3 * 32 * 8 + 64);
  CHECK(build() >= at_rest + 3 * 32 * 8);
}

TEST_CASE("the bytes of a list are those of its blocks, whatever was done to it") {
  // Goal: the sum that a list keeps stays the one that its blocks make. Method: a list is built,
  // appended to, killed in and made anew; what a list of the same blocks adds to them is known from
  // the first.
  const Items items(400, 64);
  const auto beyond_blocks = [](const PostingList& list) {
    size_t bytes = list.memory_bytes();
    list.ForEachBlock([&](const EntryBlock& block) { bytes -= block.memory_bytes(); });
    return bytes - list.blocks().size() * 40;  // of pointers
  };
  for (const uint32_t number : {kFlatList, 2u}) {
    std::shared_ptr<PostingList> list =
        PostingList::Build(number, 64, CentroidFor(number, items), items.some(0, 100));
    const size_t expected = beyond_blocks(*list);
    for (size_t i = 100; i < 400; ++i) {
      if (!list->Append(items.some(i, 1)[0])) list = list->Grown(items.some(i, 1));
      if (i % 3 == 0) REQUIRE(list->Kill(items.some(i - 60, 1)[0].document, i));
      REQUIRE(beyond_blocks(*list) == expected);
    }
  }
}

TEST_CASE("a list can be read while entries are appended and killed") {
  // Goal: readers never see half an entry, and what they saw alive dies once. Method: one writer
  // appends, grows and kills; readers check every entry of the list that is current.
  const Items items(4'000, 64);
  for (const uint32_t number : {kFlatList, 2u}) {
    std::shared_ptr<PostingList> current =
        PostingList::Build(number, 64, CentroidFor(number, items), items.some(0, 10));
    std::atomic<bool> stop{false}, is_wrong{false};
    std::mutex mutex;  // guards `current`, not what it points to
    const auto read = [&] {
      while (!stop) {
        std::shared_ptr<PostingList> list;
        {
          const std::lock_guard lock(mutex);
          list = current;
        }
        size_t count = 0;
        list->ForEach([&](const ListItem& item) {
          ++count;
          if (!items.IsWhole(item)) is_wrong = true;
          if (item.died != kAlive && item.died != item.document) is_wrong = true;
        });
        if (count > 4'000) is_wrong = true;
      }
    };
    std::thread first(read), second(read);
    for (size_t i = 10; i < 4'000; ++i) {
      const ListItem& item = items.some(i, 1)[0];
      if (!current->Append(item)) {
        const auto successor = current->Grown({&item, 1});
        const std::lock_guard lock(mutex);
        current = successor;
      }
      if (i % 3 == 0) CHECK(current->Kill(1'000 + i / 2, 1'000 + i / 2));
    }
    stop = true;
    first.join();
    second.join();
    CHECK_FALSE(is_wrong);
    CHECK(current->size() == 4'000);
  }
}

}  // namespace
}  // namespace libkv
