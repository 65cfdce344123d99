// The map: what Set, Get, Delete, BulkSet, iterators, snapshots and conditions promise.
#include <doctest/doctest.h>

#include <atomic>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/store_test.h"

namespace libkv {
namespace {

TEST_CASE("what was set is read back, also by another open") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path());
    CHECK(Value(*store, "a") == "(none)");
    REQUIRE_OK(store->Set({}, "a", "1"));
    REQUIRE_OK(store->Set({.durability = Durability::kWritten}, "b", ""));
    REQUIRE_OK(store->Set({.durability = Durability::kBuffered}, std::string("c\0d", 3), "3"));
    REQUIRE_OK(store->Set({}, "a", "2"));
    CHECK(Value(*store, "a") == "2");
    REQUIRE_OK(store->Delete({}, "never there"));
  }
  const auto store = OpenStore(dir.path());
  CHECK(Value(*store, "a") == "2");
  CHECK(Value(*store, "b") == "");
  CHECK(Value(*store, std::string("c\0d", 3)) == "3");
  REQUIRE_OK(store->Delete({}, "a"));
  CHECK(Value(*store, "a") == "(none)");
  CheckVerifies(*store);
}

TEST_CASE("a value is lent without a copy and an exception of the reader is caught") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(store->Set({}, "k", "value"));
  std::string seen;
  REQUIRE_OK(store->View({}, "k", [&](std::string_view value) { seen = value; }));
  CHECK(seen == "value");
  const absl::Status thrown = store->View({}, "k", [](std::string_view) { throw 7; });
  CHECK(thrown.code() == absl::StatusCode::kInternal);
  CHECK(absl::IsNotFound(store->View({}, "none", [](std::string_view) { FAIL("lent nothing"); })));
}

TEST_CASE("many keys are answered in their order, equal ones too") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(store->Set({}, "a", "1"));
  REQUIRE_OK(store->Set({}, "b", std::string(10'000, 'x')));
  const std::string_view keys[] = {"b", "none", "a", "b", "a"};
  const auto values = store->MultiGet({}, keys);
  REQUIRE(values.size() == 5);
  CHECK(*values[0] == std::string(10'000, 'x'));
  CHECK(absl::IsNotFound(values[1].status()));
  CHECK(*values[2] == "1");
  CHECK(*values[3] == *values[0]);
  CHECK(*values[4] == "1");
}

TEST_CASE("a bulk set with one bad item changes nothing") {
  // Goal: all or nothing. Method: the bad item comes last, so a store that writes while it walks
  // would already have stored the first.
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  const KeyValue items[] = {{"a", "1"}, {"", "2"}};
  const absl::Status status = store->BulkSet({}, items);
  CHECK(absl::IsInvalidArgument(status));
  CHECK(StatusText(status).find("item 1") != std::string::npos);
  CHECK(Value(*store, "a") == "(none)");
}

TEST_CASE("of equal keys in a batch the last change counts") {
  const TempDir dir;
  for (const bool indexed : {false, true}) {
    const auto store =
        OpenStore(dir.path(indexed ? "i" : "p"),
                  WithSpaces(indexed ? std::vector{TextSpace()} : std::vector<Space>{}));
    Batch batch;
    batch.Set("a", "one");
    batch.Set("b", "two");
    batch.Delete("a");
    batch.Set("c", "three");
    batch.Set("b", "four");
    CHECK(batch.count() == 5);
    REQUIRE_OK(store->Apply({}, batch));
    CHECK(AllKeys(*store) == "b c");
    CHECK(Value(*store, "b") == "four");
    if (indexed) {
      CHECK(Search(*store, "two") == "");
      CHECK(Search(*store, "four") == "b");
      CHECK(Search(*store, "one") == "");
    }
    CheckVerifies(*store);
  }
}

TEST_CASE("iterators respect prefix and range, forward and backward") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  for (const char* key : {"a", "b1", "b2", "b3", "c", "\xff\xff"})
    REQUIRE_OK(store->Set({}, key, key));
  CHECK(AllKeys(*store) == "a b1 b2 b3 c \xff\xff");
  CHECK(AllKeys(*store, {.prefix = "b"}) == "b1 b2 b3");
  CHECK(AllKeys(*store, {.first = "b2"}) == "b2 b3 c \xff\xff");
  CHECK(AllKeys(*store, {.end = "b2"}) == "a b1");
  CHECK(AllKeys(*store, {.prefix = "b", .first = "b2", .end = "c"}) == "b2 b3");
  CHECK(AllKeys(*store, {.prefix = "\xff"}) == "\xff\xff");
  CHECK(AllKeys(*store, {.prefix = "zzz"}) == "");

  const auto it = store->NewIterator({});
  CHECK_FALSE(it->Valid());
  it->Seek("b25");
  REQUIRE(it->Valid());
  CHECK(it->key() == "b3");
  it->SeekForPrev("b25");
  CHECK(it->key() == "b2");
  CHECK(it->value() == "b2");
}

TEST_CASE("a snapshot stays as it was") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  REQUIRE_OK(store->Set({}, "a", "red apple"));
  REQUIRE_OK(store->Set({}, "b", "green pear"));
  const auto snapshot = store->GetSnapshot();
  REQUIRE_OK(store->Set({}, "a", "blue plum"));
  REQUIRE_OK(store->Delete({}, "b"));
  REQUIRE_OK(store->Set({}, "c", "apple"));

  const ReadOptions then{.snapshot = snapshot};
  CHECK(Value(*store, "a", then) == "red apple");
  CHECK(Value(*store, "b", then) == "green pear");
  CHECK(AllKeys(*store, {}, then) == "a b");
  SearchOptions search;
  search.snapshot = snapshot;
  CHECK(Search(*store, "apple", search) == "a");
  CHECK(Search(*store, "pear", search) == "b");
  CHECK(Search(*store, "apple") == "c");
  CHECK(Search(*store, "pear") == "");
  CHECK(AllKeys(*store) == "a c");
}

TEST_CASE("an iterator sees the store as it was when it was made") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(store->Set({}, "a", "1"));
  const auto it = store->NewIterator({});
  REQUIRE_OK(store->Set({}, "a", "2"));
  REQUIRE_OK(store->Set({}, "b", "2"));
  it->SeekToFirst();
  REQUIRE(it->Valid());
  CHECK(it->value() == "1");
  it->Next();
  CHECK_FALSE(it->Valid());
}

TEST_CASE("compare and set happens only when the value is the expected one") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  CHECK_OK(store->CompareAndSet({}, "k", std::nullopt, "1"));
  CHECK(absl::IsAborted(store->CompareAndSet({}, "k", std::nullopt, "2")));
  CHECK(absl::IsAborted(store->CompareAndSet({}, "k", "0", "2")));
  CHECK(Value(*store, "k") == "1");
  CHECK_OK(store->CompareAndSet({}, "k", "1", "2"));
  CHECK(Value(*store, "k") == "2");
  CHECK_OK(store->CompareAndSet({}, "k", "2", std::nullopt));
  CHECK(Value(*store, "k") == "(none)");
  CHECK_OK(store->CompareAndSet({}, "k", std::nullopt, std::nullopt));
}

TEST_CASE("of many threads that compare and set one key each step is won by exactly one") {
  const TempDir dir;
  for (const bool indexed : {false, true}) {
    const auto store =
        OpenStore(dir.path(indexed ? "i" : "p"),
                  WithSpaces(indexed ? std::vector{TextSpace()} : std::vector<Space>{}));
    const WriteOptions fast{.durability = Durability::kWritten};
    REQUIRE_OK(store->Set(fast, "k", "0"));
    std::atomic<int> wins{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int step = 0; step < 50; ++step) {
          const absl::Status status =
              store->CompareAndSet(fast, "k", std::to_string(step), std::to_string(step + 1));
          if (status.ok()) ++wins;
          while (std::stoi(*store->Get({}, "k")) <= step) std::this_thread::yield();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wins == 50);
    CHECK(Value(*store, "k") == "50");
  }
}

TEST_CASE("increments are never lost and overflow is an error") {
  const TempDir dir;
  for (const bool indexed : {false, true}) {
    const auto store =
        OpenStore(dir.path(indexed ? "i" : "p"),
                  WithSpaces(indexed ? std::vector{TextSpace()} : std::vector<Space>{}));
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) {
          if (!store->Increment({.durability = Durability::kWritten}, "n", 2).ok()) std::abort();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(Value(*store, "n") == "800");
    CHECK(*store->Increment({}, "n", -900) == -100);

    REQUIRE_OK(store->Set({}, "max", "9223372036854775807"));
    CHECK(store->Increment({}, "max").status().code() == absl::StatusCode::kOutOfRange);
    CHECK(*store->Increment({}, "max", 0) == INT64_MAX);
    REQUIRE_OK(store->Set({}, "min", "-9223372036854775808"));
    CHECK(store->Increment({}, "min", -1).status().code() == absl::StatusCode::kOutOfRange);
    for (const char* bad : {"", "abc", "1.5", " 1", "1 ", "9223372036854775808", "+1"}) {
      REQUIRE_OK(store->Set({}, "bad", bad));
      CHECK(absl::IsInvalidArgument(store->Increment({}, "bad").status()));
      CHECK(Value(*store, "bad") == bad);
    }
  }
}

TEST_CASE("keys expire from reads, iterators and searches at once, and from the disk soon after") {
  const TempDir dir;
  std::atomic<int64_t> now{1'000'000};
  Options options = WithSpaces({TextSpace()});
  options.clock = [&] { return now.load(); };
  const auto store = OpenStore(dir.path(), options);
  SetOptions brief, longer;
  brief.ttl = std::chrono::milliseconds(100);
  longer.ttl = std::chrono::milliseconds(1'000);
  REQUIRE_OK(store->Set({}, "brief", "apple", brief));
  REQUIRE_OK(store->Set({}, "longer", "apple", longer));
  REQUIRE_OK(store->Set({}, "always", "apple"));
  REQUIRE_OK(store->Set({}, "renewed", "apple", brief));
  REQUIRE_OK(store->Set({}, "renewed", "apple pie", longer));
  CHECK(**store->GetExpiry({}, "brief") == 1'000'100);
  CHECK_FALSE(store->GetExpiry({}, "always")->has_value());
  CHECK(AllKeys(*store) == "always brief longer renewed");

  now = 1'000'100;
  CHECK(Value(*store, "brief") == "(none)");
  CHECK(AllKeys(*store) == "always longer renewed");
  CHECK(Search(*store, "apple").find("brief") == std::string::npos);
  const std::string_view keys[] = {"brief", "longer"};
  CHECK(absl::IsNotFound(store->MultiGet({}, keys)[0].status()));
  while (store->Stats().expired < 1) std::this_thread::yield();
  CHECK_OK(store->CompareAndSet({}, "brief", std::nullopt, std::nullopt));
  CheckVerifies(*store);

  now = 1'002'000;
  while (store->Stats().expired < 3) std::this_thread::yield();
  CHECK(AllKeys(*store) == "always");
  CHECK(store->Stats().spaces[0].documents == 1);
  CheckVerifies(*store);

  SetOptions negative, endless;
  negative.ttl = std::chrono::milliseconds(-1);
  endless.ttl = std::chrono::milliseconds::max();
  CHECK(absl::IsInvalidArgument(store->Set({}, "k", "v", negative)));
  CHECK(absl::IsInvalidArgument(store->Set({}, "k", "v", endless)));
}

TEST_CASE("an expiry time given as a moment is answered exactly, whichever way it was written") {
  const TempDir dir;
  std::atomic<int64_t> now{1'000'000};
  Options options = WithSpaces({TextSpace("t:")});
  options.clock = [&] { return now.load(); };
  const SetOptions until{.expires_at = 1'000'777};
  {
    const auto store = OpenStore(dir.path(), options);
    REQUIRE_OK(store->Set({}, "t:set", "apple", until));
    Batch batch;
    batch.Set("applied", "v", until);
    CHECK(batch.change(0).expires_at == 1'000'777);
    REQUIRE_OK(store->Apply({}, batch));
    batch.Clear();
    batch.Set("written", "v", until);
    std::atomic<bool> written{false};
    store->Write({}, batch, [&](const absl::Status& status) { written = status.ok(); });
    while (!written) std::this_thread::yield();
  }
  const auto store = OpenStore(dir.path(), options);
  for (const std::string key : {"t:set", "applied", "written"}) {
    CAPTURE(key);
    CHECK(**store->GetExpiry({}, key) == 1'000'777);
  }
  now = 1'000'776;
  CHECK(AllKeys(*store) == "applied t:set written");
  CHECK(Search(*store, "apple") == "t:set");
  now = 1'000'777;
  CHECK(AllKeys(*store).empty());
  CHECK(Search(*store, "apple").empty());
}

TEST_CASE("a value set with an expiry time in the past is gone at once, and the one before it") {
  const TempDir dir;
  Options options = WithSpaces({TextSpace()});
  options.clock = [] { return int64_t{5'000}; };
  const auto store = OpenStore(dir.path(), options);
  REQUIRE_OK(store->Set({}, "k", "apple"));
  for (const int64_t moment : {int64_t{1}, int64_t{4'999}, int64_t{5'000}}) {
    CAPTURE(moment);
    REQUIRE_OK(store->Set({}, "k", "apple pie", {.expires_at = moment}));
    CHECK(Value(*store, "k") == "(none)");
    CHECK(absl::IsNotFound(store->GetExpiry({}, "k").status()));
    CHECK(Search(*store, "apple").empty());
  }
  while (store->Stats().spaces[0].documents > 0) std::this_thread::yield();
  CheckVerifies(*store);
}

TEST_CASE("expiry times that contradict or are negative are refused, and nothing is written") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  const SetOptions both{.ttl = std::chrono::milliseconds(1), .expires_at = int64_t{1} << 45};
  const SetOptions negative{.expires_at = -1};
  for (const SetOptions& wrong : {both, negative}) {
    CHECK(absl::IsInvalidArgument(store->Set({}, "k", "v", wrong)));
    Batch batch;
    batch.Set("first", "v");
    batch.Set("k", "v", wrong);
    CHECK(absl::IsInvalidArgument(store->Apply({}, batch)));
    CHECK(store->Apply({}, batch).message().find("item 1") != std::string_view::npos);
  }
  CHECK(AllKeys(*store).empty());
  const int64_t end = std::numeric_limits<int64_t>::max();
  REQUIRE_OK(store->Set({}, "k", "v", {.expires_at = end}));
  CHECK(**store->GetExpiry({}, "k") == end);
}

TEST_CASE("an entry is the value with its expiry time, as a snapshot has them too") {
  const TempDir dir;
  std::atomic<int64_t> now{1'000};
  Options options = WithSpaces({TextSpace("t:")});
  options.clock = [&] { return now.load(); };
  const auto store = OpenStore(dir.path(), options);
  REQUIRE_OK(store->Set({}, "plain", "v"));
  REQUIRE_OK(store->Set({}, "t:brief", "apple", {.expires_at = 2'000}));
  const ReadOptions before{.snapshot = store->GetSnapshot()};
  REQUIRE_OK(store->Set({}, "t:brief", "pear", {.expires_at = 3'000}));

  CHECK(store->GetEntry({}, "plain")->value == "v");
  CHECK_FALSE(store->GetEntry({}, "plain")->expiry.has_value());
  CHECK(store->GetEntry({}, "t:brief")->value == "pear");
  CHECK(store->GetEntry({}, "t:brief")->expiry == 3'000);
  CHECK(store->GetEntry(before, "t:brief")->value == "apple");
  CHECK(store->GetEntry(before, "t:brief")->expiry == 2'000);

  now = 3'000;
  CHECK(absl::IsNotFound(store->GetEntry({}, "t:brief").status()));
  CHECK(absl::IsNotFound(store->GetEntry({}, "never set").status()));
}

TEST_CASE("an increment keeps the expiry time") {
  const TempDir dir;
  std::atomic<int64_t> now{5'000};
  Options options;
  options.clock = [&] { return now.load(); };
  const auto store = OpenStore(dir.path(), options);
  SetOptions brief;
  brief.ttl = std::chrono::milliseconds(100);
  REQUIRE_OK(store->Set({}, "n", "5", brief));
  CHECK(*store->Increment({}, "n") == 6);
  CHECK(**store->GetExpiry({}, "n") == 5'100);
  now = 5'100;
  CHECK(*store->Increment({}, "n") == 1);
  CHECK_FALSE(store->GetExpiry({}, "n")->has_value());
}

TEST_CASE("asynchronous writes report their result once and are grouped") {
  const TempDir dir;
  std::atomic<int> good{0}, bad{0};
  {
    const auto store = OpenStore(dir.path());
    for (int i = 0; i < 1'000; ++i) {
      Batch batch;
      batch.Set("k" + std::to_string(i), "v");
      store->Write({}, std::move(batch),
                   [&](absl::Status status) { ++(status.ok() ? good : bad); });
    }
    Batch wrong;
    wrong.Set("", "v");
    store->Write({}, wrong, [&](absl::Status status) { ++(status.ok() ? good : bad); });
    CHECK(bad == 1);
    store->Write({}, Batch(), [&](absl::Status status) { ++(status.ok() ? good : bad); });
    Batch last;
    last.Set("last", "v");
    store->Write({}, last, [&](absl::Status) { throw 1; });
    while (Value(*store, "last") == "(none)") std::this_thread::yield();
    CHECK(store->Stats().syncs < 1'000);
  }
  CHECK(good == 1'001);
  CHECK(bad == 1);
  const auto store = OpenStore(dir.path());
  CHECK(Value(*store, "k999") == "v");
}

TEST_CASE("a store behaves like a map under random changes and reopens") {
  // Goal: no operation disturbs another. Method: the same random operations on a std::map.
  for (const uint64_t seed : {1, 2, 3}) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const TempDir dir;
    const WriteOptions fast{.durability = Durability::kWritten};
    std::map<std::string, std::string> model;
    for (int round = 0; round < 4; ++round) {
      const auto store = OpenStore(dir.path());
      for (int i = 0; i < 400; ++i) {
        const std::string key = "k" + std::to_string(random() % 60);
        const std::string value(random() % 300, static_cast<char>('a' + random() % 26));
        switch (random() % 5) {
          case 0:
            REQUIRE_OK(store->Delete(fast, key));
            model.erase(key);
            break;
          case 1: {
            Batch batch;
            batch.Set(key, value);
            batch.Delete(key + "x");
            batch.Set(key + "y", value);
            REQUIRE_OK(store->Apply(fast, batch));
            model[key] = model[key + "y"] = value;
            model.erase(key + "x");
            break;
          }
          case 2: {
            const bool there = model.count(key) == 1;
            const absl::Status status = store->CompareAndSet(
                fast, key, there ? std::optional<std::string_view>(model[key]) : std::nullopt,
                value);
            REQUIRE_OK(status);
            model[key] = value;
            break;
          }
          default:
            REQUIRE_OK(store->Set(fast, key, value));
            model[key] = value;
        }
        if (random() % 50 == 0) REQUIRE_OK(store->Flush());
      }
      const auto it = store->NewIterator({});
      auto expected = model.begin();
      for (it->SeekToFirst(); it->Valid(); it->Next(), ++expected) {
        REQUIRE(expected != model.end());
        REQUIRE(it->key() == expected->first);
        REQUIRE(it->value() == expected->second);
      }
      CHECK(expected == model.end());
    }
  }
}

}  // namespace
}  // namespace libkv
