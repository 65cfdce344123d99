// What moving words to the disk must not change, and what it must.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "format/catalog_rows.h"
#include "format/keys.h"
#include "format/record.h"
#include "support/store_test.h"

namespace libkv {
namespace {

constexpr WriteOptions kWritten{.durability = Durability::kWritten};

SpaceStats StatsOf(const Store& store, size_t space = 0) { return store.Stats().spaces[space]; }

// Rows of `family` that begin with `prefix`.
size_t CountRows(const std::string& directory, Family family, const std::string& prefix) {
  const auto engine = Engine::Open({}, directory);
  REQUIRE_OK(engine);
  const auto cursor = (*engine)->NewCursor(family, {}, prefix, PrefixEnd(prefix));
  size_t count = 0;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) ++count;
  return count;
}

TEST_CASE("sealed words are found as before, with the same scores, and after a reopening") {
  const TempDir dir;
  auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  for (int i = 0; i < 300; ++i) {
    REQUIRE_OK(store->Set(kWritten, "key" + std::to_string(i),
                          "number " + std::to_string(i % 7) + " of apples and pears"));
  }
  const auto before = store->Search({.limit = 300}, "apples OR 3");
  REQUIRE_OK(before);
  REQUIRE_OK(store->SealIndex(""));
  CHECK(StatsOf(*store).segments == 1);
  CHECK(StatsOf(*store).sealed_documents == 300);
  for (int round = 0; round < 2; ++round) {
    CAPTURE(round);
    const auto after = store->Search({.limit = 300}, "apples OR 3");
    REQUIRE_OK(after);
    REQUIRE(after->hits.size() == before->hits.size());
    for (size_t i = 0; i < after->hits.size(); ++i) {
      CHECK(after->hits[i].key == before->hits[i].key);
      CHECK(after->hits[i].score == before->hits[i].score);
    }
    CHECK(Search(*store, "\"3 of apples\"", {.limit = 1}) == "key10");
    CHECK(Search(*store, "appl*", {.limit = 1}) == "key0");
    CheckVerifies(*store);
    store = nullptr;
    store = OpenStore(dir.path());
  }
}

TEST_CASE("what is overwritten or deleted in a segment is gone, whatever happens next") {
  const TempDir dir;
  auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  for (const char* key : {"a", "b", "c", "d"}) REQUIRE_OK(store->Set(kWritten, key, "fruit"));
  REQUIRE_OK(store->SealIndex(""));
  REQUIRE_OK(store->Delete(kWritten, "b"));
  REQUIRE_OK(store->Set(kWritten, "c", "vegetable"));
  CHECK(Search(*store, "fruit") == "a d");
  SUBCASE("a reopening") {
    store = nullptr;
    store = OpenStore(dir.path());
  }
  SUBCASE("another seal") { REQUIRE_OK(store->SealIndex("")); }
  SUBCASE("a merge") {
    REQUIRE_OK(store->MergeIndex(""));
    CHECK(StatsOf(*store).dead_documents == 0);
    // Their markers are folded away.
    store = nullptr;
    CHECK(CountRows(dir.path(), Family::kIndex, IndexPrefix(1, IndexKind::kDeadMarker)) == 0);
    store = OpenStore(dir.path());
  }
  SUBCASE("a new index") { REQUIRE_OK(store->Reindex("")); }
  CHECK(Search(*store, "fruit") == "a d");
  CHECK(Search(*store, "vegetable") == "c");
  CheckVerifies(*store);
}

TEST_CASE("a snapshot sees what was there, across seals, merges and deletions") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  for (const char* key : {"a", "b", "c"}) REQUIRE_OK(store->Set(kWritten, key, "fruit"));
  const auto first = store->GetSnapshot();
  REQUIRE_OK(store->SealIndex(""));
  REQUIRE_OK(store->Delete(kWritten, "a"));
  const auto second = store->GetSnapshot();
  REQUIRE_OK(store->Set(kWritten, "b", "vegetable"));
  REQUIRE_OK(store->Set(kWritten, "d", "fruit"));
  const auto third = store->GetSnapshot();
  REQUIRE_OK(store->MergeIndex(""));
  REQUIRE_OK(store->Delete(kWritten, "c"));
  REQUIRE_OK(store->MergeIndex(""));
  CHECK(Search(*store, "fruit", {.snapshot = first}) == "a b c");
  CHECK(Search(*store, "fruit", {.snapshot = second}) == "b c");
  CHECK(Search(*store, "fruit", {.snapshot = third}) == "c d");
  CHECK(Search(*store, "fruit") == "d");
}

TEST_CASE("an index of many parts is searched as one: prefixes, pages, totals, explanations") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  std::vector<std::string> all;
  for (int part = 0; part < 4; ++part) {
    for (int i = 0; i < 25; ++i) {
      const std::string key = (i % 2 == 0 ? "even/" : "odd/") + std::to_string(100 + part * 25 + i);
      REQUIRE_OK(store->Set(kWritten, key, "fruit number " + std::to_string(i % 3)));
      all.push_back(key);
    }
    if (part < 3) REQUIRE_OK(store->SealIndex(""));
  }
  CHECK(StatsOf(*store).segments == 3);
  std::sort(all.begin(), all.end());
  CHECK(Search(*store, "fruit", {.limit = 200}) == Keys(all));

  const auto even = store->Search({.prefix = "even/", .limit = 200}, "fruit");
  REQUIRE_OK(even);
  CHECK(even->total == 52);
  CHECK(even->total_is_exact);
  const auto few = store->Search({.limit = 5, .count_up_to = 0}, "fruit");
  REQUIRE_OK(few);
  CHECK(Keys(few) == Keys(std::vector(all.begin(), all.begin() + 5)));
  CHECK_FALSE(few->total_is_exact);
  CHECK(few->total >= 5);

  std::vector<std::string> paged;
  std::optional<SearchAfter> after;
  while (true) {
    const auto page = store->Search({.limit = 7, .after = after, .explain = true}, "fruit OR 2");
    REQUIRE_OK(page);
    if (page->hits.empty()) break;
    for (const Hit& hit : page->hits) {
      paged.push_back(hit.key);
      double sum = 0;
      for (const ScorePart& part : hit.explanation) sum += part.score;
      CHECK(sum == doctest::Approx(hit.score));
    }
    after = SearchAfter{page->hits.back().score, page->hits.back().key};
  }
  CHECK(Keys(paged) == Search(*store, "fruit OR 2", {.limit = 200}));
}

TEST_CASE("a full delta is sealed by itself, and many segments become few") {
  const TempDir dir;
  Options options = WithSpaces({TextSpace()});
  options.memory_bytes = size_t{8} << 20;  // deltas of 1 MiB
  const auto store = OpenStore(dir.path(), options);
  const std::string filler(20'000, 'x');
  constexpr int kDocuments = 1'500;  // 30 MB
  for (int i = 0; i < kDocuments; ++i) {
    REQUIRE_OK(store->Set(kWritten, "key" + std::to_string(i),
                          "word" + std::to_string(i) + " common " + filler));
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (StatsOf(*store).segments > 10 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  CHECK(StatsOf(*store).segments >= 1);
  CHECK(StatsOf(*store).segments <= 10);
  CHECK(StatsOf(*store).documents == kDocuments);
  CHECK(StatsOf(*store).sealed_documents > kDocuments / 2);
  CHECK(store->Search({.limit = 1, .count_up_to = kCountAll}, "common")->total == kDocuments);
  for (int i = 0; i < kDocuments; i += 97) {
    CHECK(Search(*store, "word" + std::to_string(i)) == "key" + std::to_string(i));
  }
  CheckVerifies(*store);
}

TEST_CASE("rows and files of a segment that never came into force are removed at open") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
    REQUIRE_OK(store->Set({}, "a", "fruit"));
    REQUIRE_OK(store->SealIndex(""));
  }
  {
    // What a crash after the files were added, and before the segment row was written, leaves.
    const auto engine = Engine::Open({}, dir.path());
    REQUIRE_OK(engine);
    const auto table = (*engine)->NewTableWriter(Family::kSegments, dir.path("orphan.table"));
    REQUIRE_OK(table);
    REQUIRE_OK((*table)->Put(SegmentPrefix(1, 77) + "T", "x"));
    REQUIRE_OK((*table)->Finish());
    const std::string paths[] = {(*table)->path()};
    REQUIRE_OK((*engine)->Ingest(Family::kSegments, paths));
  }
  std::ofstream(dir.path("store/segment_1_2_0.table")) << "half a file";
  {
    const auto store = OpenStore(dir.path());
    CHECK(Search(*store, "fruit") == "a");
  }
  CHECK_FALSE(std::filesystem::exists(dir.path("store/segment_1_2_0.table")));
  CHECK(CountRows(dir.path(), Family::kSegments, SegmentPrefix(1, 77)) == 0);
  CHECK(CountRows(dir.path(), Family::kSegments, "") > 0);
}

TEST_CASE("a segment whose rows are gone is made again from the values when the store is opened") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
    REQUIRE_OK(store->Set({}, "a", "fruit"));
    REQUIRE_OK(store->SealIndex(""));
    REQUIRE_OK(store->Set({}, "b", "fruit"));
    REQUIRE_OK(store->SealIndex(""));
    REQUIRE_OK(store->Set({}, "c", "fruit"));
    REQUIRE_OK(store->Delete({}, "a"));
  }
  {
    const auto engine = Engine::Open({}, dir.path());
    REQUIRE_OK(engine);
    const std::string rows = SegmentPrefix(1, 1);
    REQUIRE_OK((*engine)->DropRange(Family::kSegments, rows, PrefixEnd(rows)));
  }
  {
    const auto reader = OpenStore(dir.path(), {.read_only = true});
    CHECK(Search(*reader, "fruit") == "b c");
  }
  for (int i = 0; i < 2; ++i) {
    const auto store = OpenStore(dir.path());
    CHECK(Search(*store, "fruit") == "b c");
    CheckVerifies(*store);
    if (i == 0) REQUIRE_OK(store->SealIndex(""));
  }
}

TEST_CASE("a segment that says something else than the values is named by Verify and repaired") {
  // Method: the values change behind the index's back, as a lost write would look.
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
    REQUIRE_OK(store->Set({}, "a", "fruit salad"));
    REQUIRE_OK(store->Set({}, "b", "fruit"));
    REQUIRE_OK(store->SealIndex(""));
  }
  {
    const auto engine = Engine::Open({}, dir.path());
    REQUIRE_OK(engine);
    PinnedValue row;
    bool found = false;
    REQUIRE_OK((*engine)->Get(Family::kData, {}, "a", &row, &found));
    Record record;
    REQUIRE_OK(ReadRecord("a", row.view(), &record));
    std::string other;
    AppendRecord(other, "a", record.header, "fruit knife");
    const auto batch = (*engine)->NewBatch();
    batch->Put(Family::kData, "a", other);
    REQUIRE_OK((*engine)->Write(*batch, true));
  }
  const auto store = OpenStore(dir.path());
  const auto report = store->Verify();
  REQUIRE_OK(report);
  REQUIRE(report->problem_count == 2);
  std::string problems;
  for (const std::string& problem : report->problems) problems += problem + "\n";
  CHECK(problems.find("'salad'") != std::string::npos);
  CHECK(problems.find("'knife'") != std::string::npos);
  REQUIRE_OK(store->Reindex(""));
  CheckVerifies(*store);
  CHECK(Search(*store, "knife") == "a");
  CHECK(Search(*store, "salad") == "");
}

TEST_CASE("expired documents of a segment are not found, before and after they are removed") {
  const TempDir dir;
  std::atomic<int64_t> now{1'000'000};
  Options options = WithSpaces({TextSpace()});
  options.clock = [&now] { return now.load(); };
  const auto store = OpenStore(dir.path(), options);
  REQUIRE_OK(store->Set({}, "brief", "fruit", {.ttl = std::chrono::milliseconds(500)}));
  REQUIRE_OK(store->Set({}, "lasting", "fruit"));
  REQUIRE_OK(store->SealIndex(""));
  CHECK(Search(*store, "fruit") == "brief lasting");
  now += 501;
  CHECK(Search(*store, "fruit") == "lasting");
  REQUIRE_OK(store->MergeIndex(""));
  CHECK(Search(*store, "fruit") == "lasting");
}

TEST_CASE("a dropped space leaves no segment behind, and searches that still use it go on") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("a:"), TextSpace("b:")}));
    REQUIRE_OK(store->Set({}, "a:1", "fruit"));
    REQUIRE_OK(store->Set({}, "b:1", "fruit"));
    REQUIRE_OK(store->SealIndex("a:"));
    REQUIRE_OK(store->SealIndex("b:"));
    REQUIRE_OK(store->DropSpace("a:"));
    CHECK(Search(*store, "fruit") == "b:1");
    CHECK(absl::IsNotFound(store->SealIndex("a:")));
  }
  const auto store = OpenStore(dir.path());
  CHECK(Search(*store, "fruit") == "b:1");
  CHECK(StatsOf(*store).segments == 1);
  CheckVerifies(*store);
}

TEST_CASE("sealing what cannot be sealed says so") {
  const TempDir dir;
  const auto store =
      OpenStore(dir.path(), WithSpaces({TextSpace("t:"), VectorSpace(2, Metric::kCosine, "v:")}));
  CHECK(absl::IsNotFound(store->SealIndex("x:")));
  CHECK(absl::IsFailedPrecondition(store->MergeIndex("v:")));
  CHECK_OK(store->Reindex("v:"));    // vectors can be repaired
  CHECK_OK(store->SealIndex("t:"));  // nothing there: nothing to do
  CHECK_OK(store->MergeIndex("t:"));
  CHECK_OK(store->Reindex("t:"));
  CHECK(StatsOf(*store, 0).segments == 0);
}

TEST_CASE("a checkpoint taken while segments come and go is a whole store") {
  const TempDir dir;
  const auto store = OpenStore(dir.path("live"), WithSpaces({TextSpace()}));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      REQUIRE_OK(
          store->Set(kWritten, "key" + std::to_string(i % 50), "fruit " + std::to_string(i)));
      if (i % 10 == 9) REQUIRE_OK(i % 40 == 39 ? store->MergeIndex("") : store->SealIndex(""));
    }
  });
  for (int i = 0; i < 6; ++i) {
    CAPTURE(i);
    const std::string copy = dir.path("copy" + std::to_string(i));
    CHECK_OK(store->Checkpoint(copy));
    const auto opened = OpenStore(copy);
    CheckVerifies(*opened);
  }
  stop = true;
  writer.join();
}

TEST_CASE("writers, searches, seals and merges at once: every search sees whole batches") {
  // Goal: also under the thread sanitizer. Method: each batch sets ten keys to the same number; a
  // search for the word of a number finds ten keys or none.
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  std::atomic<bool> stop{false};
  std::atomic<int> newest{0};
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (int number = 1; !stop; ++number) {
      std::vector<std::string> keys, values;
      for (int i = 0; i < 10; ++i) {
        keys.push_back("key" + std::to_string(i));
        values.push_back("common n" + std::to_string(number));
      }
      std::vector<KeyValue> items;
      for (int i = 0; i < 10; ++i) items.push_back({keys[i], values[i]});
      REQUIRE_OK(store->BulkSet(kWritten, items));
      newest = number;
    }
  });
  threads.emplace_back([&] {
    for (int i = 0; !stop; ++i) {
      REQUIRE_OK(i % 3 == 2 ? store->MergeIndex("") : store->SealIndex(""));
    }
  });
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  int searches = 0;
  while (std::chrono::steady_clock::now() < until) {
    const int number = newest;
    const auto common = store->Search({.limit = 20}, "common");
    REQUIRE_OK(common);
    CHECK(common->total == (number == 0 && common->total == 0 ? 0 : 10));
    const auto one = store->Search({.limit = 20}, "n" + std::to_string(number));
    REQUIRE_OK(one);
    CHECK((one->total == 0 || one->total == 10));
    ++searches;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(searches > 10);
  CheckVerifies(*store);
}

}  // namespace
}  // namespace libkv
