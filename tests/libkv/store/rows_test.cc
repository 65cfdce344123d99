// Rows of the application: named bytes that change with values. Oracle: a map from names to bytes.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "format/keys.h"
#include "format/row.h"
#include "support/store_test.h"

namespace libkv {
namespace {

constexpr WriteOptions kWritten{.durability = Durability::kWritten};

absl::Status PutRow(Store& store, std::string_view name, std::string_view value) {
  Batch batch;
  batch.PutRow(name, value);
  return store.Apply(kWritten, batch);
}

std::string Row(const Store& store, std::string_view name, const ReadOptions& read = {}) {
  const absl::StatusOr<std::string> value = store.GetRow(read, name);
  if (value.ok()) return *value;
  return absl::IsNotFound(value.status()) ? "(none)" : StatusText(value);
}

// "name=value name=value ..."
std::string Rows(const Store& store, std::string_view prefix = "", const ReadOptions& read = {}) {
  std::string rows;
  const absl::Status status = store.ForEachRow(read, prefix, [&](auto name, auto value) {
    if (!rows.empty()) rows += " ";
    rows.append(name).append("=").append(value);
    return true;
  });
  CHECK_OK(status);
  return rows;
}

// Changes the rows of a store that is closed.
void WithEngine(const std::string& directory,
                const std::function<void(Engine&, EngineBatch&)>& change) {
  const auto engine = Engine::Open({}, directory);
  REQUIRE_OK(engine);
  const auto batch = (*engine)->NewBatch();
  change(**engine, *batch);
  REQUIRE_OK((*engine)->Write(*batch, /*sync=*/true));
}

TEST_CASE("a row is read back by its name, also by another open") {
  const TempDir dir;
  const std::string binary("\0\xff\n", 3), large(1'000'000, 'x');
  {
    const auto store = OpenStore(dir.path());
    Batch batch;
    batch.PutRow("clock", "17");
    batch.PutRow("empty", "");
    batch.PutRow(binary, binary);
    batch.PutRow("large", large);
    REQUIRE_OK(store->Apply({}, batch));
    CHECK(Row(*store, "clock") == "17");
  }
  Options reading;
  reading.read_only = true;
  for (const Options& options : {Options(), reading}) {
    const auto store = OpenStore(dir.path(), options);
    CHECK(Row(*store, "clock") == "17");
    CHECK(Row(*store, "empty").empty());
    CHECK(Row(*store, binary) == binary);
    CHECK(Row(*store, "large") == large);
    CHECK(Row(*store, "clock2") == "(none)");
    CHECK(Row(*store, "") == "(none)");
    CHECK(Row(*store, std::string(2'000, 'n')) == "(none)");
    CHECK(store->GetRow({}, "none").status().message().empty());
    CheckVerifies(*store);
    CHECK(store->Verify()->rows == 4);
  }
}

TEST_CASE("rows come in the order of their names, under a prefix, until the reader has enough") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  CHECK(Rows(*store).empty());
  Batch batch;
  for (const char* name : {"b/2", "a", "b/10", "b", "c", "b/1", "b0", "\xff", "\xff\xff"}) {
    batch.PutRow(name, "v");
  }
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(Rows(*store) == "a=v b=v b/1=v b/10=v b/2=v b0=v c=v \xff=v \xff\xff=v");
  CHECK(Rows(*store, "b/") == "b/1=v b/10=v b/2=v");
  CHECK(Rows(*store, "b/10") == "b/10=v");
  CHECK(Rows(*store, "\xff") == "\xff=v \xff\xff=v");
  CHECK(Rows(*store, "d").empty());
  int seen = 0;
  REQUIRE_OK(store->ForEachRow({}, "b", [&](auto, auto) { return ++seen < 2; }));
  CHECK(seen == 2);
}

TEST_CASE("rows and keys do not see each other, nor the rows of the store itself") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("")}));
  const std::vector<std::string> names = {"same", "format", "ids", "closed", "space", "row"};
  Batch batch;
  for (const std::string& name : names) batch.PutRow(name, "apple");
  batch.Set("same", "pear");
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(AllKeys(*store) == "same");
  CHECK(Value(*store, "same") == "pear");
  CHECK(Row(*store, "same") == "apple");
  CHECK(Value(*store, "rowsame") == "(none)");
  CHECK(Search(*store, "apple").empty());
  CHECK(store->Stats().writes == 1);
  CHECK(store->Stats().keys_estimate == 1);
  CheckVerifies(*store);
  CHECK(store->Verify()->keys == 1);
  CHECK(store->Verify()->rows == names.size());
  batch.Clear();
  for (const std::string& name : names) batch.DeleteRow(name);
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(Rows(*store).empty());
  CHECK(Value(*store, "same") == "pear");
  REQUIRE_OK(store->Set({}, "later", "pear"));
  CHECK(Search(*store, "pear") == "later same");
}

TEST_CASE("of several changes to one row in a batch the last one counts") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(PutRow(*store, "deleted", "old"));
  Batch batch;
  batch.PutRow("twice", "first");
  batch.PutRow("twice", "last");
  batch.PutRow("deleted", "new");
  batch.DeleteRow("deleted");
  batch.DeleteRow("put");
  batch.PutRow("put", "there");
  batch.DeleteRow("never");
  CHECK(batch.count() == 0);
  CHECK(batch.row_count() == 7);
  CHECK(batch.row_change(1).value == "last");
  CHECK(batch.row_change(3).is_delete);
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(Rows(*store) == "put=there twice=last");
  batch.Clear();
  CHECK(batch.row_count() == 0);
  CHECK(batch.size_bytes() == 0);
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(Rows(*store) == "put=there twice=last");
}

TEST_CASE("rows alone are a batch, also one that nobody waits for") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  std::atomic<int> done{0}, failed{0};
  for (int i = 0; i < 200; ++i) {
    Batch batch;
    batch.PutRow("n", std::to_string(i));
    batch.PutRow("n" + std::to_string(i % 10), std::to_string(i));
    store->Write(kWritten, std::move(batch), [&](const absl::Status& status) {
      failed += status.ok() ? 0 : 1;
      ++done;
    });
  }
  while (done < 200) std::this_thread::yield();
  CHECK(failed == 0);
  CHECK(Row(*store, "n") == "199");
  CHECK(Row(*store, "n3") == "193");
  CHECK(store->Stats().writes == 0);
}

TEST_CASE("a batch that is refused changes no row, and a bad row lets no value through") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  const std::string long_name(kRowNameBytesMax, 'n');
  const auto refused = [&](const std::function<void(Batch&)>& fill, const char* reason) {
    CAPTURE(reason);
    Batch batch;
    batch.Set("k", "v");
    batch.PutRow("row", "v");
    fill(batch);
    const absl::Status status = store->Apply({}, batch);
    CHECK(absl::IsInvalidArgument(status));
    CHECK(StatusText(status).find(reason) != std::string::npos);
    std::atomic<int> done{0};
    store->Write({}, batch, [&](const absl::Status& result) {
      done = absl::IsInvalidArgument(result) ? 1 : -1;
    });
    while (done == 0) std::this_thread::yield();
    CHECK(done == 1);
    CHECK(AllKeys(*store).empty());
    CHECK(Rows(*store).empty());
  };
  refused([](Batch& batch) { batch.Set("", "v"); }, "key must not be empty");
  refused([](Batch& batch) { batch.PutRow("", "v"); }, "name of a row must not be empty");
  refused([](Batch& batch) { batch.DeleteRow(""); }, "name of a row must not be empty");
  refused([&](Batch& batch) { batch.PutRow(long_name + "n", "v"); }, "1025 bytes");
  const std::string half(kBatchBytesMax / 2, 'v');
  refused(
      [&](Batch& batch) {
        batch.PutRow("a", half);
        batch.PutRow("b", half);
      },
      "split it");
  refused(
      [&](Batch& batch) {
        batch.Set("a", half);
        batch.PutRow("b", half);
      },
      "split it");
  refused([&](Batch& batch) { batch.PutRow("long", half + half + "v"); }, "row 'long'");
  REQUIRE_OK(PutRow(*store, long_name, "v"));
  CHECK(Row(*store, long_name) == "v");
}

TEST_CASE("a batch up to its bound may be one row") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  const std::string value(kBatchBytesMax - 1, 'v');
  REQUIRE_OK(PutRow(*store, "r", value));
  CHECK(Row(*store, "r") == value);
  CHECK(absl::IsInvalidArgument(PutRow(*store, "rr", value)));
}

TEST_CASE("rows change although there is nothing to change about the keys of the batch") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  Batch batch;
  batch.SetExpiry("none", int64_t{1} << 45);
  batch.Delete("neither");
  batch.PutRow("r", "v");
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(Row(*store, "r") == "v");
  CHECK(AllKeys(*store).empty());
}

TEST_CASE("a snapshot has the rows of its moment, and a walk those of its beginning") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(PutRow(*store, "a", "old"));
  REQUIRE_OK(PutRow(*store, "b", "old"));
  const ReadOptions before{.snapshot = store->GetSnapshot()};
  // The reader of a walk changes what it walks over.
  std::string seen;
  const absl::Status status = store->ForEachRow({}, "", [&](auto name, auto value) {
    seen.append(name).append("=").append(value).append(" ");
    Batch batch;
    batch.DeleteRow(name);
    batch.PutRow("b", "new");
    batch.PutRow("c", "new");
    return store->Apply(kWritten, batch).ok();
  });
  CHECK_OK(status);
  CHECK(seen == "a=old b=old ");
  CHECK(Rows(*store) == "b=new c=new");
  CHECK(Rows(*store, "", before) == "a=old b=old");
  CHECK(Row(*store, "b", before) == "old");
  CHECK(Row(*store, "c", before) == "(none)");
}

TEST_CASE("an exception of a reader of rows is caught") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(PutRow(*store, "a", "v"));
  const absl::Status thrown =
      store->ForEachRow({}, "", [](auto, auto) -> bool { throw std::runtime_error("tired"); });
  CHECK(absl::IsInternal(thrown));
  CHECK(StatusText(thrown).find("tired") != std::string::npos);
}

TEST_CASE("a read-only store gives rows and takes none") {
  const TempDir dir;
  const auto writer = OpenStore(dir.path());
  REQUIRE_OK(PutRow(*writer, "a", "v"));
  Options options;
  options.read_only = true;
  const auto store = OpenStore(dir.path(), options);
  CHECK(Rows(*store) == "a=v");
  CHECK(absl::IsFailedPrecondition(PutRow(*store, "a", "w")));
  CHECK(Row(*store, "a") == "v");
}

TEST_CASE("a forked child neither reads nor writes rows") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(PutRow(*store, "a", "v"));
  const pid_t child = fork();
  if (child == 0) {
    const bool refused =
        absl::IsFailedPrecondition(store->GetRow({}, "a").status()) &&
        absl::IsFailedPrecondition(store->ForEachRow({}, "", [](auto, auto) { return true; })) &&
        absl::IsFailedPrecondition(PutRow(*store, "a", "w")) &&
        absl::IsFailedPrecondition(store->ViewEntry({}, "a", [](const EntryView&) {}));
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(Row(*store, "a") == "v");
}

TEST_CASE("a checkpoint has the rows, together with the values of their batch") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  std::atomic<bool> done{false};
  std::atomic<int> failed{0};
  std::thread writer([&] {
    for (int i = 0; !done; ++i) {
      Batch batch;
      const std::string number = std::to_string(i);
      batch.Set("k", number, {.stamp = number});
      batch.PutRow("r", number);
      failed += store->Apply(kWritten, batch).ok() ? 0 : 1;
    }
  });
  std::vector<absl::Status> made;
  for (int i = 0; i < 5; ++i)
    made.push_back(store->Checkpoint(dir.path("copy" + std::to_string(i))));
  done = true;
  writer.join();
  CHECK(failed == 0);
  for (int i = 0; i < 5; ++i) {
    REQUIRE_OK(made[i]);
    const auto copy = OpenStore(dir.path("copy" + std::to_string(i)));
    CHECK(Row(*copy, "r") == Value(*copy, "k"));
    if (Value(*copy, "k") != "(none)") CHECK(copy->GetEntry({}, "k")->stamp == Row(*copy, "r"));
    CheckVerifies(*copy);
  }
}

TEST_CASE("readers of a snapshot see values and rows of whole batches only") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace("t:")}));
  constexpr int kWriters = 3;
  std::atomic<int> running{kWriters}, failed{0};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 300; ++i) {
        const std::string number = std::to_string(writer) + "x" + std::to_string(i);
        Batch batch;
        batch.PutRow("before", number);
        batch.Set("k", number, {.stamp = number});
        batch.Set("t:k", number, {.stamp = number});
        if (i % 2 == 0) batch.PutRow("after", number);
        if (i % 2 == 1) batch.DeleteRow("after");
        failed += store->Apply(kWritten, batch).ok() ? 0 : 1;
      }
      --running;
    });
  }
  int torn = 0, looks = 0;
  while (running > 0) {
    const ReadOptions read{.snapshot = store->GetSnapshot()};
    const std::string number = Value(*store, "k", read);
    if (number == "(none)") continue;
    ++looks;
    const bool has_after = (number.back() - '0') % 2 == 0;
    torn += Row(*store, "before", read) != number;
    torn += Row(*store, "after", read) != (has_after ? number : "(none)");
    torn += Value(*store, "t:k", read) != number;
    const auto entry = store->GetEntry(read, "t:k");
    torn += !entry.ok() || entry->stamp != number;
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(failed == 0);
  CHECK(torn == 0);
  CHECK(looks > 0);
  CheckVerifies(*store);
}

TEST_CASE("a damaged row answers DataLoss, Verify names it, and putting it repairs it") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path());
    for (const char* name : {"a", "b", "c"}) REQUIRE_OK(PutRow(*store, name, "value"));
  }
  WithEngine(dir.path(), [](Engine& engine, EngineBatch& batch) {
    PinnedValue row;
    bool found = false;
    REQUIRE_OK(engine.Get(Family::kDefault, {}, ApplicationRowKey("b"), &row, &found));
    REQUIRE(found);
    std::string damaged(row.view());
    damaged[3] = static_cast<char>(damaged[3] ^ 1);
    batch.Put(Family::kDefault, ApplicationRowKey("b"), damaged);
    batch.Put(Family::kDefault, ApplicationRowKey("d"),
              SealRow(ApplicationRowKey("d"), "\x03 of a version to come"));
  });
  const auto store = OpenStore(dir.path());
  const absl::Status damaged = store->GetRow({}, "b").status();
  CHECK(absl::IsDataLoss(damaged));
  CHECK(StatusText(damaged).find("row 'b'") != std::string::npos);
  CHECK(absl::IsFailedPrecondition(store->GetRow({}, "d").status()));
  CHECK(Row(*store, "c") == "value");
  std::string seen;
  const absl::Status walked = store->ForEachRow({}, "", [&](auto name, auto) {
    seen.append(name);
    return true;
  });
  CHECK(absl::IsDataLoss(walked));
  CHECK(seen == "a");
  const auto report = store->Verify();
  REQUIRE_OK(report);
  CHECK(report->rows == 4);
  REQUIRE(report->problem_count == 2);
  CHECK(report->problems[0].find("row 'b'") != std::string::npos);
  CHECK(report->problems[1].find("row 'd'") != std::string::npos);
  Batch batch;
  batch.PutRow("b", "again");
  batch.DeleteRow("d");
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(Rows(*store) == "a=value b=again c=value");
  CheckVerifies(*store);
}

TEST_CASE("rows of kinds that this library does not know stay as they are") {
  const TempDir dir;
  const std::vector<std::string> unknown = {"row", "ro", "rox", "s", "zebra"};
  { REQUIRE_OK(PutRow(*OpenStore(dir.path()), "a", "v")); }
  WithEngine(dir.path(), [&](Engine&, EngineBatch& batch) {
    for (const std::string& key : unknown) batch.Put(Family::kDefault, key, "not ours");
  });
  {
    const auto store = OpenStore(dir.path());
    CHECK(Rows(*store) == "a=v");
    CHECK(Row(*store, "") == "(none)");
    CHECK(Row(*store, "x") == "(none)");
    CheckVerifies(*store);
    CHECK(store->Verify()->rows == 1);
    Batch batch;
    batch.DeleteRow("a");
    REQUIRE_OK(store->Apply({}, batch));
    REQUIRE_OK(store->DefineSpace(TextSpace()));
    REQUIRE_OK(store->DropSpace(""));
  }
  WithEngine(dir.path(), [&](Engine& engine, EngineBatch&) {
    for (const std::string& key : unknown) {
      PinnedValue row;
      bool found = false;
      REQUIRE_OK(engine.Get(Family::kDefault, {}, key, &row, &found));
      CHECK(found);
      CHECK(row.view() == "not ours");
    }
  });
}

TEST_CASE("rows behave like a map under random batches, snapshots, checkpoints and reopens") {
  for (const uint64_t seed : {1, 2, 3, 4}) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const TempDir dir;
    using Model = std::map<std::string, std::string>;
    Model rows, values;
    const auto check = [&](const Store& store, const Model& wanted, const ReadOptions& read) {
      const std::string prefix(random() % 3, 'r');
      auto expected = wanted.lower_bound(prefix);
      const absl::Status status = store.ForEachRow(read, prefix, [&](auto name, auto value) {
        REQUIRE(expected != wanted.end());
        REQUIRE(name == expected->first);
        REQUIRE(value == expected->second);
        ++expected;
        return true;
      });
      REQUIRE_OK(status);
      CHECK((expected == wanted.end() || !expected->first.starts_with(prefix)));
      for (int i = 0; i < 5; ++i) {
        const std::string name = "rr" + std::to_string(random() % 30);
        const auto there = wanted.find(name);
        CHECK(Row(store, name, read) == (there == wanted.end() ? "(none)" : there->second));
      }
    };
    const auto any_name = [&] {
      return std::string(random() % 3, 'r') + std::to_string(random() % 30);
    };
    std::string place = dir.path("0");
    for (int round = 1; round <= 4; ++round) {
      auto store = OpenStore(place);
      check(*store, rows, {});
      Model then;
      ReadOptions read;
      for (int i = 0; i < 150; ++i) {
        Batch batch;
        for (uint64_t n = random() % 5; n-- > 0;) {
          const std::string name = any_name(),
                            value(random() % 200, static_cast<char>('a' + i % 26));
          if (random() % 3 == 0) {
            batch.DeleteRow(name);
            rows.erase(name);
          } else {
            batch.PutRow(name, value);
            rows[name] = value;
          }
          if (random() % 2 != 0) continue;
          batch.Set(name, value, {.stamp = name});
          values[name] = value;
        }
        REQUIRE_OK(store->Apply(kWritten, batch));
        if (random() % 40 == 0) REQUIRE_OK(store->Flush());
        if (i == 75) {
          then = rows;
          read.snapshot = store->GetSnapshot();
        }
        if (i > 75 && i % 25 == 0) check(*store, then, read);
      }
      check(*store, rows, {});
      for (const auto& [key, value] : values) CHECK(Value(*store, key) == value);
      CheckVerifies(*store);
      if (round % 2 != 0) continue;
      // What a process that was killed leaves: all that was written, and no close.
      place = dir.path(std::to_string(round));
      REQUIRE_OK(store->Checkpoint(place));
    }
    const auto store = OpenStore(place);
    check(*store, rows, {});
    for (const auto& [key, value] : values) CHECK(Value(*store, key) == value);
  }
}

}  // namespace
}  // namespace libkv
