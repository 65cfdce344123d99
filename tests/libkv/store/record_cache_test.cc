#include "store/record_cache.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace libkv {
namespace {

constexpr size_t kRoom = size_t{4} << 20;

// What is kept under `key`; "": nothing.
std::string Find(RecordCache& cache, const std::string& key,
                 RecordCache::Ticket* ticket = nullptr) {
  RecordCache::Buffer buffer;
  return std::string(cache.Find(key, buffer, ticket));
}

// What a reader does: looks here, then reads `record` elsewhere.
std::string Read(RecordCache& cache, const std::string& key, const std::string& record) {
  RecordCache::Ticket ticket;
  std::string found = Find(cache, key, &ticket);
  if (!found.empty()) return found;
  cache.Keep(key, record, ticket);
  return record;
}

void Change(RecordCache& cache, const std::string& key, const std::string& record) {
  cache.BeginChange(key, record);
  cache.EndChanges(true);
}

TEST_CASE("a record that was read is found again") {
  RecordCache cache(kRoom);
  CHECK(Find(cache, "a").empty());
  Read(cache, "a", "one");
  CHECK(Find(cache, "a") == "one");
  CHECK(Find(cache, "b").empty());
  Read(cache, "", "of the empty key");
  CHECK(Find(cache, "") == "of the empty key");
}

TEST_CASE("what a reader read before a change began is not kept") {
  RecordCache cache(kRoom);
  RecordCache::Ticket before, during, after;
  Find(cache, "a", &before);
  cache.BeginChange("a", "new");
  cache.Keep("a", "old", before);
  CHECK(Find(cache, "a", &during).empty());
  cache.Keep("a", "old", during);
  CHECK(Find(cache, "a").empty());
  cache.EndChanges(true);
  cache.Keep("a", "old", before);
  cache.Keep("a", "old", during);
  CHECK(Find(cache, "a", &after).empty());
  cache.Keep("a", "new", after);
  CHECK(Find(cache, "a") == "new");
}

TEST_CASE("a record that is changed is away until the change is made, then it is the new one") {
  RecordCache cache(kRoom);
  for (const std::string record : {"three", "seven", "of another length"}) {
    CAPTURE(record);
    Read(cache, "a", "first");
    cache.BeginChange("a", record);
    CHECK(Find(cache, "a").empty());
    cache.EndChanges(true);
    CHECK(Find(cache, "a") == record);
    Change(cache, "a", "");
    CHECK(Find(cache, "a").empty());
  }
  // Nobody has read it: a write alone keeps nothing.
  Change(cache, "b", "written");
  CHECK(Find(cache, "b").empty());
}

TEST_CASE("of two changes of a key in one group the first one never shows") {
  RecordCache cache(kRoom);
  for (const std::string last : {"", "last"}) {
    Read(cache, "a", "before");
    cache.BeginChange("a", "first");
    cache.BeginChange("a", last);
    cache.EndChanges(true);
    const std::string found = Find(cache, "a");
    CHECK((found.empty() || found == last));
    Change(cache, "a", "");
  }
}

TEST_CASE("when nobody knows what was written, everything goes") {
  RecordCache cache(kRoom);
  Read(cache, "a", "1");
  Read(cache, "b", "2");
  RecordCache::Ticket ticket;
  Find(cache, "c", &ticket);
  cache.BeginChange("a", "3");
  cache.EndChanges(false);
  CHECK(Find(cache, "a").empty());
  CHECK(Find(cache, "b").empty());
  cache.Keep("c", "4", ticket);
  CHECK(Find(cache, "c").empty());
  Read(cache, "a", "5");
  CHECK(Find(cache, "a") == "5");
}

TEST_CASE("the epoch is at rest between changes and never the same again") {
  RecordCache cache(kRoom);
  const uint64_t first = cache.epoch();
  CHECK(RecordCache::IsAtRest(first));
  cache.BeginChange("a", "1");
  const uint64_t second = cache.epoch();
  CHECK_FALSE(RecordCache::IsAtRest(second));
  cache.BeginChange("b", "1");
  CHECK(cache.epoch() == second);
  cache.EndChanges(true);
  CHECK(RecordCache::IsAtRest(cache.epoch()));
  CHECK(cache.epoch() != first);
  cache.EndChanges(true);  // of nothing
  CHECK(RecordCache::IsAtRest(cache.epoch()));
}

TEST_CASE("a long record is not kept, and takes none of the room") {
  RecordCache cache(kRoom);
  const std::string longest(RecordCache::kRecordBytesMax, 'v');
  CHECK(Read(cache, "a", longest) == longest);
  CHECK(Find(cache, "a") == longest);
  Read(cache, "b", longest + "v");
  CHECK(Find(cache, "b").empty());
  Change(cache, "a", longest + "v");
  CHECK(Find(cache, "a").empty());
  CHECK(cache.figures().records == 0);
}

TEST_CASE("what is kept never takes more memory than was said, also when that becomes less") {
  // Method: far more records than there is room for, of all sizes, changed and removed in between;
  // each that is found is the last one written.
  const auto seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  constexpr size_t kMost = size_t{2} << 20;
  RecordCache cache(kMost);
  const size_t empty = cache.figures().memory_bytes;
  std::map<std::string, std::string> stored;
  size_t found = 0;
  for (int i = 0; i < 60'000; ++i) {
    const std::string key = std::to_string(std::min(random() % 8'000, random() % 8'000));
    std::string record = std::to_string(i) + ":";
    record.resize(record.size() + random() % 1'000, 'v');
    if (random() % 8 == 0) {
      if (random() % 4 == 0) record.clear();
      Change(cache, key, record);
      stored[key] = record;
    } else if (!stored[key].empty()) {
      const bool was_here = !Find(cache, key).empty();
      REQUIRE(Read(cache, key, stored[key]) == stored[key]);
      found += was_here ? 1 : 0;
    } else {
      REQUIRE(Find(cache, key).empty());
    }
    // The table of missed keys comes on top.
    REQUIRE(cache.figures().memory_bytes <= empty + kMost + (size_t{64} << 10));
  }
  CHECK(found > 1'000);
  cache.SetBytesMax(kMost / 8);
  for (int i = 0; i < 20'000; ++i) Read(cache, "new" + std::to_string(i % 2'000), "v");
  CHECK(cache.figures().memory_bytes <= empty + kMost / 8 + (size_t{64} << 10));
}

TEST_CASE(
    "records that are asked for often survive a walk over many more keys than there is room") {
  // Goal: 1,000 hot records stay while 100,000 others are read once each.
  RecordCache cache(size_t{1} << 20);
  const std::string record(100, 'v');
  const auto hot = [](int i) { return "hot" + std::to_string(i); };
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 1'000; ++i) Read(cache, hot(i), record);
  }
  size_t misses = 0;
  for (int i = 0; i < 100'000; ++i) {
    Read(cache, "cold" + std::to_string(i), record);
    if (Find(cache, hot(i % 1'000)).empty()) ++misses;
    Read(cache, hot(i % 1'000), record);
  }
  CHECK(misses < 500);
}

TEST_CASE("a reader without a ticket leaves no trace but a count") {
  RecordCache cache(kRoom);
  Read(cache, "a", "1");
  CHECK(Find(cache, "a") == "1");
  CHECK(Find(cache, "b").empty());
  const RecordCache::Figures figures = cache.figures();
  CHECK(figures.records == 1);
  CHECK(figures.hits == 1);
  CHECK(figures.misses == 2);
}

TEST_CASE("a cache without room keeps nothing") {
  RecordCache cache(0);
  for (int i = 0; i < 3; ++i) Read(cache, "a", "1");
  CHECK(Find(cache, "a").empty());
  Change(cache, "a", "2");
  CHECK(Find(cache, "a").empty());
}

TEST_CASE("no reader sees an older record than one before, and none older than acknowledged") {
  // Method: an engine of a few numbers; one committer counts them up in groups; readers ask the
  // cache, then the engine, slowly. Room for about half of the records, so that they come and go.
  constexpr size_t kKeys = 400;
  constexpr int kReaders = 3;
  RecordCache cache(30 << 10);
  std::vector<std::atomic<int>> engine(kKeys), acknowledged(kKeys);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::atomic<uint64_t> reads{0};
  const auto record_of = [](int number) {
    return std::to_string(number) + std::string(static_cast<size_t>(number % 3) + 30, ' ');
  };
  std::vector<std::thread> readers;
  for (int t = 0; t < kReaders; ++t) {
    readers.emplace_back([&, t] {
      std::mt19937 random(static_cast<uint32_t>(t));
      std::vector<int> seen(kKeys);
      while (!stop.load()) {
        const size_t key = std::min(random() % kKeys, random() % kKeys);
        const int least = acknowledged[key].load();
        RecordCache::Ticket ticket;
        const std::string name = std::to_string(key);
        const std::string found = Find(cache, name, &ticket);
        int number = 0;
        if (found.empty()) {
          number = engine[key].load();
          if (random() % 4 == 0) std::this_thread::yield();
          cache.Keep(name, record_of(number), ticket);
        } else {
          number = std::stoi(found);
        }
        if (number < least || number < seen[key]) ++wrong;
        seen[key] = number;
        ++reads;
      }
    });
  }
  std::mt19937 random(99);
  for (int group = 0; group < 20'000 || reads.load() < 20'000; ++group) {
    std::vector<std::pair<size_t, int>> changes(1 + random() % 4);
    for (auto& [key, number] : changes) {
      key = std::min(random() % kKeys, random() % kKeys);
      number = 1 + engine[key].load();
      cache.BeginChange(std::to_string(key), record_of(number));
    }
    for (const auto& [key, number] : changes) engine[key].store(number);
    if (random() % 16 == 0) std::this_thread::yield();
    cache.EndChanges(true);
    for (const auto& [key, number] : changes) acknowledged[key].store(number);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong == 0);
  CHECK(cache.figures().hits > 0);
  for (size_t key = 0; key < kKeys; ++key) {
    const std::string found = Find(cache, std::to_string(key));
    if (!found.empty()) CHECK(std::stoi(found) == engine[key].load());
  }
}

}  // namespace
}  // namespace libkv
