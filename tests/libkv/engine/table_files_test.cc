// Table files that are written outside of the database: how they come in, and how they go.
#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "support/store_test.h"

namespace libkv {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Engine> OpenEngine(const std::string& directory, bool read_only = false) {
  fs::create_directories(directory);
  EngineOptions options;
  options.read_only = read_only;
  absl::StatusOr<std::unique_ptr<Engine>> engine = Engine::Open(options, directory);
  REQUIRE_OK(engine);
  return *std::move(engine);
}

std::unique_ptr<TableWriter> WriteTable(const Engine& engine, const std::string& path,
                                        const std::vector<std::string>& keys,
                                        const std::string& value = "v") {
  auto table = engine.NewTableWriter(Family::kSegments, path);
  REQUIRE_OK(table);
  for (const std::string& key : keys) REQUIRE_OK((*table)->Put(key, value));
  REQUIRE_OK((*table)->Finish());
  return *std::move(table);
}

absl::Status Ingest(Engine& engine, const std::vector<std::string>& paths) {
  return engine.Ingest(Family::kSegments, paths);
}

std::string KeysOf(const Engine& engine) {
  const auto cursor = engine.NewCursor(Family::kSegments, {}, "", "");
  std::string keys;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    keys += std::string(cursor->key()) + " ";
  }
  REQUIRE_OK(cursor->status());
  return keys;
}

void PutSomething(Engine& engine, const std::string& key) {
  const auto batch = engine.NewBatch();
  batch->Put(Family::kData, key, "value");
  REQUIRE_OK(engine.Write(*batch, true));
}

size_t TableFiles(const std::string& directory) {
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(directory)) {
    count += entry.path().extension() == ".sst" ? 1 : 0;
  }
  return count;
}

TEST_CASE("ingested files are moved in, verify, and are there after a reopen") {
  const TempDir dir;
  {
    const auto engine = OpenEngine(dir.path());
    const auto a = WriteTable(*engine, dir.path("a"), {"a1", "a2"});
    const auto b = WriteTable(*engine, dir.path("b"), {"b1"}, std::string(100'000, 'x'));
    CHECK(KeysOf(*engine).empty());
    REQUIRE_OK(Ingest(*engine, {dir.path("a"), dir.path("b")}));
    CHECK(KeysOf(*engine) == "a1 a2 b1 ");
    CHECK_FALSE(fs::exists(dir.path("a")));
    CHECK_FALSE(fs::exists(dir.path("b")));
    REQUIRE_OK(engine->VerifyFiles());
  }
  CHECK(KeysOf(*OpenEngine(dir.path())) == "a1 a2 b1 ");
  CHECK(KeysOf(*OpenEngine(dir.path(), /*read_only=*/true)) == "a1 a2 b1 ");
  REQUIRE_OK(OpenEngine(dir.path())->VerifyFiles());
}

TEST_CASE("an ingestion consumes no sequence number, whatever snapshots there are") {
  const TempDir dir;
  const auto engine = OpenEngine(dir.path());
  PutSomething(*engine, "k");
  const uint64_t before = engine->LatestSequence();
  const auto snapshot = engine->NewSnapshot();
  const auto a = WriteTable(*engine, dir.path("a"), {"a"});
  REQUIRE_OK(Ingest(*engine, {dir.path("a")}));
  CHECK(engine->LatestSequence() == before);
  PutSomething(*engine, "l");
  CHECK(engine->LatestSequence() == before + 1);
  // The price: an older snapshot sees them.
  PinnedValue value;
  bool found = false;
  REQUIRE_OK(engine->Get(Family::kSegments, {.snapshot = snapshot.get()}, "a", &value, &found));
  CHECK(found);
}

TEST_CASE("files of which one cannot be ingested change nothing") {
  const TempDir dir;
  const auto engine = OpenEngine(dir.path());
  const auto first = WriteTable(*engine, dir.path("first"), {"m1", "m3"});
  REQUIRE_OK(Ingest(*engine, {dir.path("first")}));
  const auto good = WriteTable(*engine, dir.path("good"), {"a"});
  const auto overlapping = WriteTable(*engine, dir.path("overlapping"), {"m2", "m4"});
  const auto same = WriteTable(*engine, dir.path("same"), {"a"});
  CHECK_FALSE(Ingest(*engine, {dir.path("good"), dir.path("overlapping")}).ok());
  CHECK_FALSE(Ingest(*engine, {dir.path("good"), dir.path("same")}).ok());
  CHECK_FALSE(Ingest(*engine, {dir.path("good"), dir.path("missing")}).ok());
  CHECK_FALSE(Ingest(*engine, {}).ok());
  CHECK(KeysOf(*engine) == "m1 m3 ");
  REQUIRE_OK(Ingest(*engine, {dir.path("good")}));
  CHECK(KeysOf(*engine) == "a m1 m3 ");
  PutSomething(*engine, "k");
  REQUIRE_OK(engine->VerifyFiles());
}

TEST_CASE("a file that was damaged after it was written is refused") {
  const TempDir dir;
  const auto engine = OpenEngine(dir.path());
  const auto table = WriteTable(*engine, dir.path("a"), {"a"}, std::string(1'000, 'x'));
  std::fstream file(dir.path("a"), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(100);
  file.put('y');
  file.close();
  CHECK(absl::IsDataLoss(Ingest(*engine, {dir.path("a")})));
  CHECK(KeysOf(*engine).empty());
  PutSomething(*engine, "k");
}

TEST_CASE("a table writer removes its file unless it was ingested") {
  const TempDir dir;
  const auto engine = OpenEngine(dir.path());
  {
    auto table = engine->NewTableWriter(Family::kSegments, dir.path("half"));
    REQUIRE_OK(table);
    REQUIRE_OK((*table)->Put("b", ""));
    CHECK_FALSE((*table)->Put("a", "").ok());
    CHECK(fs::exists(dir.path("half")));
  }
  CHECK_FALSE(fs::exists(dir.path("half")));
  { WriteTable(*engine, dir.path("whole"), {"a"}); }
  CHECK_FALSE(fs::exists(dir.path("whole")));
  CHECK_FALSE(engine->NewTableWriter(Family::kSegments, dir.path("no/such/folder")).ok());
  auto empty = engine->NewTableWriter(Family::kSegments, dir.path("empty"));
  REQUIRE_OK(empty);
  CHECK_FALSE((*empty)->Finish().ok());
}

TEST_CASE("ranges are dropped with their files, and without a write") {
  const TempDir dir;
  const auto engine = OpenEngine(dir.path());
  for (const char* name : {"a", "b", "c"}) {
    const auto table =
        WriteTable(*engine, dir.path(name), {std::string(name) + "1", std::string(name) + "2"});
    REQUIRE_OK(Ingest(*engine, {dir.path(name)}));
  }
  CHECK(TableFiles(dir.path()) == 3);
  const uint64_t before = engine->LatestSequence();
  REQUIRE_OK(engine->DropRange(Family::kSegments, "b", "c"));
  CHECK(KeysOf(*engine) == "a1 a2 c1 c2 ");
  CHECK(engine->LatestSequence() == before);
  REQUIRE_OK(engine->DropRange(Family::kSegments, "x", "y"));
  CHECK(engine->LatestSequence() == before);
  CHECK(absl::IsInvalidArgument(engine->DropRange(Family::kSegments, "a", "")));
  // The same keys may come again.
  const auto again = WriteTable(*engine, dir.path("b"), {"b1", "b3"});
  REQUIRE_OK(Ingest(*engine, {dir.path("b")}));
  CHECK(KeysOf(*engine) == "a1 a2 b1 b3 c1 c2 ");
}

TEST_CASE("a range that cuts through a file loses its rows and no others") {
  const TempDir dir;
  {
    const auto engine = OpenEngine(dir.path());
    const auto table = WriteTable(*engine, dir.path("a"), {"a1", "a2", "a3"});
    REQUIRE_OK(Ingest(*engine, {dir.path("a")}));
    REQUIRE_OK(engine->DropRange(Family::kSegments, "a2", "a3"));
    CHECK(KeysOf(*engine) == "a1 a3 ");
    REQUIRE_OK(engine->Flush());
    CHECK(KeysOf(*engine) == "a1 a3 ");
    REQUIRE_OK(engine->VerifyFiles());
  }
  CHECK(KeysOf(*OpenEngine(dir.path())) == "a1 a3 ");
}

TEST_CASE("a cursor keeps what it walks over when its range is dropped") {
  const TempDir dir;
  const auto engine = OpenEngine(dir.path());
  const auto table = WriteTable(*engine, dir.path("a"), {"a1", "a2"});
  REQUIRE_OK(Ingest(*engine, {dir.path("a")}));
  const auto cursor = engine->NewCursor(Family::kSegments, {}, "a", "b");
  cursor->SeekToFirst();
  REQUIRE_OK(engine->DropRange(Family::kSegments, "a", "b"));
  REQUIRE(cursor->Valid());
  cursor->Next();
  CHECK(cursor->Valid());
  CHECK(KeysOf(*engine).empty());
}

TEST_CASE("files are ingested and dropped while another thread writes") {
  const TempDir dir;
  const auto engine = OpenEngine(dir.path());
  std::atomic<bool> stop{false};
  uint64_t writes = 0;
  bool sequences_match = true;
  std::thread writer([&] {
    // One change each: what LatestSequence says right after a write is that write's.
    uint64_t expected = engine->LatestSequence();
    for (; !stop; ++writes) {
      const auto batch = engine->NewBatch();
      batch->Put(Family::kData, std::to_string(writes % 100), "value");
      if (!engine->Write(*batch, false).ok()) break;
      sequences_match = sequences_match && engine->LatestSequence() == ++expected;
    }
  });
  for (int i = 0; i < 50; ++i) {
    const std::string name = "f" + std::to_string(100 + i);
    const auto table = WriteTable(*engine, dir.path(name), {name});
    CHECK_OK(Ingest(*engine, {dir.path(name)}));
    if (i % 2 == 1) CHECK_OK(engine->DropRange(Family::kSegments, name, name + "x"));
  }
  stop = true;
  writer.join();
  CHECK(sequences_match);
  CHECK(writes > 0);
  CHECK(KeysOf(*engine).size() == 25 * 5);
}

}  // namespace
}  // namespace libkv
