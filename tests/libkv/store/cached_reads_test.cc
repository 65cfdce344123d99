// Reads of whole stores beside writers: what the record cache must not change.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "libkv/batch.h"
#include "support/store_test.h"

namespace libkv {
namespace {

constexpr size_t kKeys = 12;  // the last two are always written together
constexpr size_t kWriters = 3, kReaders = 3;
constexpr size_t kPair = kKeys - 2;

// Written under a key, one after the other: the number goes up, whatever is done.
struct Step {
  enum Kind : int { kNothing, kValue, kExpires };
  int number = 0;
  Kind kind = kNothing;

  int Packed() const { return number * 4 + kind; }
  static Step From(int packed) { return {packed / 4, static_cast<Kind>(packed % 4)}; }
};

std::string KeyOf(size_t key) { return "key" + std::to_string(key); }

// Values of all sizes around those that are kept, with their number in front.
std::string ValueOf(int number) {
  static constexpr std::array<size_t, 5> kSizes = {10, 10, 100, 4'000, 5'000};
  std::string value = std::to_string(number) + ":";
  value.resize(value.size() + kSizes[static_cast<size_t>(number) % kSizes.size()], 'v');
  return value;
}

// What a reader found: the number of the value, or nothing.
std::optional<int> NumberOf(const absl::StatusOr<std::string>& value) {
  if (absl::IsNotFound(value.status())) return std::nullopt;
  if (!value.ok()) return -1;
  const int number = std::stoi(*value);
  return *value == ValueOf(number) ? number : -1;
}

class Race {
 public:
  Race(Store& store, std::atomic<int64_t>& clock, uint32_t seed)
      : store_(store), clock_(clock), seed_(seed) {}

  void Run(int steps) {
    std::vector<std::thread> threads;
    std::atomic<size_t> writing{kWriters};
    for (size_t w = 0; w < kWriters; ++w) {
      threads.emplace_back([&, w] {
        std::mt19937 random(seed_ + static_cast<uint32_t>(w));
        for (int i = 0; i < steps; ++i) {
          if (w == 0 && i % 4 == 0) {
            WritePair(random);
          } else {
            Write(random, w);
          }
        }
        --writing;
      });
    }
    for (size_t r = 0; r < kReaders; ++r) {
      threads.emplace_back([&, r] {
        std::mt19937 random(seed_ + 100 + static_cast<uint32_t>(r));
        std::array<Seen, kKeys> seen{};
        while (writing.load() > 0) {
          if (random() % 8 == 0) {
            ReadPair();
          } else {
            Read(random, seen);
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  std::string wrong() const { return wrong_.load() == nullptr ? "" : wrong_.load(); }
  uint64_t reads() const { return reads_.load(); }

 private:
  // One change of a key that belongs to writer `w` alone.
  void Write(std::mt19937& random, size_t w) {
    const size_t key = w + kWriters * (random() % (kPair / kWriters));
    const std::string name = KeyOf(key);
    Step step{Step::From(started_[key].load()).number + 1, Step::kValue};
    const uint32_t what = random() % 10;
    if (what == 0) step.kind = Step::kNothing;
    if (what == 1 || what == 2) step.kind = Step::kExpires;
    const std::string value = ValueOf(step.number);
    const WriteOptions how{random() % 8 == 0 ? Durability::kSynced : Durability::kWritten};
    started_[key].store(step.Packed());
    absl::Status status;
    if (what == 0) {
      status = store_.Delete(how, name);
    } else if (what == 1) {
      status = store_.Set(how, name, value, {.expires_at = SoonAfterNow(random)});
    } else if (what == 2) {
      // Set, and given an end by a change of its own.
      status = store_.Set(how, name, value);
      Batch batch;
      batch.SetExpiry(name, SoonAfterNow(random));
      if (status.ok()) status = store_.Apply(how, batch);
    } else if (what == 3) {
      const KeyValue items[] = {{name, "0:old"}, {name, value}};
      status = store_.BulkSet(how, items);
    } else if (what == 4) {
      const absl::StatusOr<std::string> old = store_.Get({}, name);
      std::optional<std::string_view> expected;
      if (old.ok()) expected = *old;
      status = store_.CompareAndSet(how, name, expected, value);
      if (absl::IsAborted(status)) status = store_.Set(how, name, value);  // it has just expired
    } else {
      status = store_.Set(how, name, value);
    }
    if (!status.ok()) wrong_ = "a write failed";
    acknowledged_[key].store(step.Packed());
    if (random() % 16 == 0) clock_.fetch_add(5);
  }

  int64_t SoonAfterNow(std::mt19937& random) const {
    return clock_.load() + 1 + static_cast<int64_t>(random() % 20);
  }

  void WritePair(std::mt19937& random) {
    const std::string value = ValueOf(++pair_number_);
    Batch batch;
    batch.Set(KeyOf(kPair), value);
    batch.Set(KeyOf(kPair + 1), value);
    const WriteOptions how{random() % 8 == 0 ? Durability::kSynced : Durability::kWritten};
    if (!store_.Apply(how, batch).ok()) wrong_ = "a batch failed";
  }

  absl::StatusOr<std::string> ReadBySomeCall(std::mt19937& random, const std::string& name) {
    const ReadOptions read{.fill_cache = random() % 4 != 0};
    switch (random() % 4) {
      case 0: {
        auto entry = store_.GetEntry(read, name);
        if (!entry.ok()) return entry.status();
        return std::move(entry->value);
      }
      case 1: {
        std::string value;
        const absl::Status status =
            store_.View(read, name, [&](std::string_view lent) { value = lent; });
        if (!status.ok()) return status;
        return value;
      }
      case 2: {
        const std::string_view names[] = {"missing", name};
        return store_.MultiGet(read, names)[1];
      }
      default:
        return store_.Get(read, name);
    }
  }

  // What one reader knows of a key: numbers below `least` are over.
  struct Seen {
    int least = 0;
    bool was_there = false;
  };

  void Read(std::mt19937& random, std::array<Seen, kKeys>& all_seen) {
    const size_t key = random() % (kPair / kWriters * kWriters);
    const Step before = Step::From(acknowledged_[key].load());
    const std::optional<int> number = NumberOf(ReadBySomeCall(random, KeyOf(key)));
    const Step after = Step::From(started_[key].load());
    Seen& seen = all_seen[key];
    ++reads_;
    if (!number) {
      if (before.number == after.number && before.kind == Step::kValue) wrong_ = "a value is away";
      // What was there before does not come back.
      if (std::exchange(seen.was_there, false)) ++seen.least;
      return;
    }
    if (*number < 0) wrong_ = "a read failed";
    if (*number < before.number) wrong_ = "older than what was acknowledged";
    if (*number > after.number) wrong_ = "newer than what was written";
    if (*number < seen.least) wrong_ = "older than what was seen before";
    if (before.number == after.number && before.kind == Step::kNothing) wrong_ = "it was deleted";
    seen = {*number, true};
  }

  void ReadPair() {
    const std::string first = KeyOf(kPair), second = KeyOf(kPair + 1);
    const std::string_view names[] = {first, second};
    const auto values = store_.MultiGet({}, names);
    if (NumberOf(values[0]) != NumberOf(values[1])) wrong_ = "half of a batch";
  }

  Store& store_;
  std::atomic<int64_t>& clock_;
  const uint32_t seed_;
  std::array<std::atomic<int>, kKeys> started_{}, acknowledged_{};
  int pair_number_ = 0;
  std::atomic<const char*> wrong_{nullptr};
  std::atomic<uint64_t> reads_{0};
};

TEST_CASE("beside writers no read goes back in time, and a batch is never seen by half") {
  // Method: writers that own their keys set, delete, let expire, compare and bulk set, in groups
  // that they share; readers compare what they find with what was started and acknowledged around
  // the read, and with what they saw before. At the end cache and engine hold the same.
  const uint32_t seed = std::random_device()();
  CAPTURE(seed);
  const TempDir dir;
  std::atomic<int64_t> clock{1'000'000};
  Options options;
  options.memory_bytes = size_t{8} << 20;
  options.clock = [&] { return clock.load(); };
  SUBCASE("plain keys") {}
  SUBCASE("indexed keys") { options.spaces.push_back(TextSpace("key1")); }
  const auto store = OpenStore(dir.path(), options);
  Race race(*store, clock, seed);
  race.Run(4'000);
  CHECK(race.wrong() == "");
  CHECK(race.reads() > 1'000);
  CHECK(store->Stats().record_hits > 0);
  const ReadOptions engine{.snapshot = store->GetSnapshot()};
  for (size_t key = 0; key < kKeys; ++key) {
    CAPTURE(key);
    CHECK(Value(*store, KeyOf(key)) == Value(*store, KeyOf(key), engine));
    CHECK(Value(*store, KeyOf(key)) == Value(*store, KeyOf(key), engine));
  }
  CheckVerifies(*store);
}

TEST_CASE("a value that was read before is read again after every kind of change") {
  const TempDir dir;
  std::atomic<int64_t> clock{1'000};
  Options options;
  options.clock = [&] { return clock.load(); };
  const auto store = OpenStore(dir.path(), options);
  const auto keep = [&] { return Value(*store, "a"), Value(*store, "a"); };
  REQUIRE_OK(store->Set({}, "a", "1"));
  CHECK(keep() == "1");
  REQUIRE_OK(store->Set({}, "a", "2"));
  CHECK(keep() == "2");
  REQUIRE_OK(store->Delete({}, "a"));
  CHECK(keep() == "(none)");
  CHECK(*store->Increment({}, "a", 5) == 5);
  CHECK(keep() == "5");
  CHECK(*store->Increment({}, "a", 2) == 7);
  CHECK(keep() == "7");
  REQUIRE_OK(store->CompareAndSet({}, "a", "7", "8"));
  CHECK(keep() == "8");
  Batch batch;
  batch.SetExpiry("a", 2'000);
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(**store->GetExpiry({}, "a") == 2'000);
  CHECK(keep() == "8");
  clock = 2'000;
  CHECK(keep() == "(none)");
  CHECK(absl::IsNotFound(store->GetExpiry({}, "a").status()));
  for (int i = 0; i < 300 && store->Stats().expired == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  REQUIRE(store->Stats().expired == 1);
  clock = 1'000;  // the row is gone: turning the clock back does not bring it back
  CHECK(keep() == "(none)");
  REQUIRE_OK(store->Set({}, "a", "9"));
  CHECK(keep() == "9");
  REQUIRE_OK(store->DefineSpace(TextSpace()));  // writes the value again
  CHECK(keep() == "9");
  REQUIRE_OK(store->DropSpace(""));
  CHECK(keep() == "9");
}

TEST_CASE("a snapshot sees its own moment, whatever is read beside it") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(store->Set({}, "a", "1"));
  CHECK(Value(*store, "a") == "1");
  const ReadOptions old{.snapshot = store->GetSnapshot()};
  REQUIRE_OK(store->Set({}, "a", "2"));
  for (int i = 0; i < 2; ++i) {
    CHECK(Value(*store, "a", old) == "1");
    CHECK(Value(*store, "a") == "2");
  }
}

TEST_CASE("a store says how many reads its record cache answered, and what it takes") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  for (int i = 0; i < 100; ++i) REQUIRE_OK(store->Set({}, KeyOf(static_cast<size_t>(i)), "v"));
  const StoreStats before = store->Stats();
  CHECK(before.record_hits == 0);
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < 100; ++i) REQUIRE(Value(*store, KeyOf(i)) == "v");
  }
  CHECK(Value(*store, "missing") == "(none)");
  const StoreStats after = store->Stats();
  CHECK(after.record_hits == 200);
  CHECK(after.record_misses == before.record_misses + 101);
  CHECK(after.record_cache_bytes > before.record_cache_bytes);
  CHECK(after.memory_bytes > after.record_cache_bytes);
  // What walks over everything leaves the cache alone.
  AllKeys(*store);
  CheckVerifies(*store);
  for (size_t i = 200; i < 300; ++i) {
    REQUIRE_OK(store->Set({}, KeyOf(i), "v"));
    CHECK(Value(*store, KeyOf(i), {.fill_cache = false}) == "v");
  }
  CHECK(store->Stats().record_cache_bytes == after.record_cache_bytes);
}

TEST_CASE("after a failed write reads go on, with what the engine holds") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  const std::string value(100'000, 'v');
  REQUIRE_OK(store->Set({}, "a", "1"));
  CHECK(Value(*store, "a") == "1");
  rlimit old{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &old) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{1'000'000, old.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  absl::Status failed;
  for (int i = 0; i < 100 && failed.ok(); ++i) {
    Batch batch;
    batch.Set("a", std::to_string(i));
    batch.Set("b", value);
    failed = store->Apply({}, batch);
    if (failed.ok()) CHECK(Value(*store, "a") == std::to_string(i));
  }
  REQUIRE(setrlimit(RLIMIT_FSIZE, &old) == 0);
  std::signal(SIGXFSZ, old_handler);
  CHECK_FALSE(failed.ok());
  const ReadOptions engine{.snapshot = store->GetSnapshot()};
  for (int i = 0; i < 2; ++i) CHECK(Value(*store, "a") == Value(*store, "a", engine));
}

}  // namespace
}  // namespace libkv
