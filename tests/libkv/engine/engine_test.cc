// The engine against RocksDB itself: what it keeps, what it refuses, what it notices.
#include "engine/engine.h"

#include <doctest/doctest.h>
#include <rocksdb/db.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/file_logger.h"
#include "support/store_test.h"

namespace libkv {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Engine> OpenEngine(const std::string& directory,
                                   const EngineOptions& options = {}) {
  fs::create_directories(directory);
  absl::StatusOr<std::unique_ptr<Engine>> engine = Engine::Open(options, directory);
  REQUIRE_OK(engine);
  return *std::move(engine);
}

void Put(Engine& engine, Family family, const std::string& key, const std::string& value) {
  const auto batch = engine.NewBatch();
  batch->Put(family, key, value);
  REQUIRE_OK(engine.Write(*batch, /*sync=*/false));
}

std::string Get(const Engine& engine, Family family, const std::string& key,
                const EngineSnapshot* snapshot = nullptr) {
  PinnedValue value;
  bool found = false;
  REQUIRE_OK(engine.Get(family, {.snapshot = snapshot}, key, &value, &found));
  return found ? std::string(value.view()) : "(none)";
}

// The keys of a cursor, forward; checks that backward is the same reversed.
std::string KeysIn(const Engine& engine, Family family, const std::string& lower,
                   const std::string& upper, const EngineSnapshot* snapshot = nullptr) {
  const auto cursor = engine.NewCursor(family, {.snapshot = snapshot}, lower, upper);
  std::string forward, backward;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    forward += std::string(cursor->key()) + " ";
  }
  CHECK_OK(cursor->status());
  for (cursor->SeekToLast(); cursor->Valid(); cursor->Prev()) {
    backward = std::string(cursor->key()) + " " + backward;
  }
  CHECK_OK(cursor->status());
  CHECK(forward == backward);
  return forward;
}

// Inverts bytes in the first data block of the largest table file; returns its name.
std::string DamageLargestTable(const std::string& directory) {
  fs::path largest;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() != ".sst") continue;
    if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
  }
  REQUIRE_FALSE(largest.empty());
  std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
  char bytes[4] = {};
  file.seekg(64);
  file.read(bytes, sizeof bytes);
  for (char& c : bytes) c = static_cast<char>(~c);
  file.seekp(64);
  file.write(bytes, sizeof bytes);
  REQUIRE(file.good());
  return largest.filename();
}

// RocksDB without this library, with all families of the database.
class RawDatabase {
 public:
  explicit RawDatabase(const std::string& directory) {
    rocksdb::Options options;
    std::vector<std::string> names;
    REQUIRE(rocksdb::DB::ListColumnFamilies(options, directory, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (const std::string& name : names) descriptors.emplace_back(name, options);
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    REQUIRE(rocksdb::DB::Open(options, directory, descriptors, &handles, &raw).ok());
    db_.reset(raw);
    for (rocksdb::ColumnFamilyHandle* handle : handles) families_[handle->GetName()] = handle;
  }
  ~RawDatabase() {
    for (const auto& [name, handle] : families_) db_->DestroyColumnFamilyHandle(handle);
  }
  RawDatabase(const RawDatabase&) = delete;
  RawDatabase& operator=(const RawDatabase&) = delete;

  void Create(const std::string& family) {
    REQUIRE(db_->CreateColumnFamily({}, family, &families_[family]).ok());
  }
  void Drop(const std::string& family) {
    REQUIRE(db_->DropColumnFamily(families_.at(family)).ok());
  }
  void Put(const std::string& family, const std::string& key, const std::string& value) {
    REQUIRE(db_->Put({}, families_.at(family), key, value).ok());
  }
  std::string Get(const std::string& family, const std::string& key) {
    std::string value;
    if (families_.count(family) == 0) return "(no family)";
    return db_->Get({}, families_.at(family), key, &value).ok() ? value : "(none)";
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::map<std::string, rocksdb::ColumnFamilyHandle*> families_;
};

TEST_CASE("families of a newer library are opened, kept and not touched") {
  const TempDir dir;
  { Put(*OpenEngine(dir.path()), Family::kData, "a", "1"); }
  {
    RawDatabase raw(dir.path());
    raw.Create("future");
    raw.Put("future", "key", "value");
  }
  {
    const auto engine = OpenEngine(dir.path());
    CHECK(Get(*engine, Family::kData, "a") == "1");
    Put(*engine, Family::kIndex, "b", "2");
    REQUIRE_OK(engine->Flush());
    REQUIRE_OK(engine->VerifyFiles());
    REQUIRE_OK(engine->Checkpoint(dir.path("copy")));
    EngineOptions read_only;
    read_only.read_only = true;
    CHECK(Get(*OpenEngine(dir.path(), read_only), Family::kIndex, "b") == "2");
  }
  for (const char* name : {"store", "copy"}) {
    RawDatabase raw(dir.path(name));
    CHECK(raw.Get("future", "key") == "value");
    CHECK(raw.Get("data", "a") == "1");
    CHECK(raw.Get("index", "b") == "2");
  }
}

// Opens the directory so many times beside a thread that does `write` again and again, until that
// answers false. No open may fail.
void CheckOpensBeside(const std::string& directory, int opens,
                      const std::function<bool(int)>& write) {
  std::atomic<bool> stop{false};
  std::thread writing([&] {
    for (int i = 0; !stop && write(i); ++i) continue;
  });
  EngineOptions read_only;
  read_only.read_only = true;
  int failed = 0;
  std::string last;
  for (int i = 0; i < opens; ++i) {
    const auto reader = Engine::Open(read_only, directory);
    if (reader.ok()) continue;
    ++failed;
    last = std::string(reader.status().message());
  }
  stop = true;
  writing.join();
  CHECK_MESSAGE(failed == 0, last);
}

TEST_CASE("a reader opens while a writer replaces its tables") {
  // Goal: that a table was compacted away since the reader saw its name is not taken for damage.
  // Method: many opens beside a writer that does nothing else.
  const TempDir dir;
  const auto writer = OpenEngine(dir.path());
  Put(*writer, Family::kData, "a", "1");
  CheckOpensBeside(dir.path(), 300, [&](int i) {
    const auto batch = writer->NewBatch();
    batch->Put(Family::kIndex, "key" + std::to_string(i % 100), std::string(1'000, 'x'));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return writer->Write(*batch, /*sync=*/false).ok() && writer->Flush().ok();
  });
}

TEST_CASE("a reader opens while a writer syncs small writes") {
  // Goal: that a record is just being written is not taken for damage. Method: many opens beside a
  // writer of one log, the records of which are written over zeros.
  const TempDir dir;
  const auto writer = OpenEngine(dir.path());
  CheckOpensBeside(dir.path(), 100, [&](int i) {
    const auto batch = writer->NewBatch();
    batch->Put(Family::kIndex, "key" + std::to_string(i % 100), std::string(500, 'x'));
    return writer->Write(*batch, /*sync=*/true).ok();
  });
}

TEST_CASE("a store of a library without segments opens, read-only too") {
  // Goal: the family is added where that is allowed, and empty where not. Method: RocksDB alone
  // takes it out again.
  const TempDir dir;
  { Put(*OpenEngine(dir.path()), Family::kVectors, "a", "1"); }
  RawDatabase(dir.path()).Drop("segments");
  EngineOptions read_only;
  read_only.read_only = true;
  {
    const auto engine = OpenEngine(dir.path(), read_only);
    CHECK(Get(*engine, Family::kVectors, "a") == "1");
    CHECK(Get(*engine, Family::kSegments, "a") == "(none)");
    CHECK(KeysIn(*engine, Family::kSegments, "", "").empty());
    CHECK(KeysIn(*engine, Family::kSegments, "a", "b").empty());
    const std::string_view keys[] = {"a", "b"};
    PinnedValue values[2];
    bool found[2] = {true, true};
    REQUIRE_OK(engine->MultiGet(Family::kSegments, {}, keys, values, found));
    CHECK_FALSE(found[0]);
    CHECK_FALSE(found[1]);
    CHECK_FALSE(engine->NewTableWriter(Family::kSegments, dir.path("t")).ok());
    const std::string paths[] = {"t"};
    CHECK_FALSE(engine->Ingest(Family::kSegments, paths).ok());
    CHECK_FALSE(engine->DropRange(Family::kSegments, "a", "b").ok());
    REQUIRE_OK(engine->VerifyFiles());
  }
  const auto engine = OpenEngine(dir.path());
  CHECK(Get(*engine, Family::kVectors, "a") == "1");
  Put(*engine, Family::kSegments, "a", "2");
  CHECK(Get(*engine, Family::kSegments, "a") == "2");
}

TEST_CASE("a database that is not to be created is NotFound or refused, and stays missing") {
  const TempDir dir;
  EngineOptions options;
  options.create_if_missing = false;
  CHECK_FALSE(Engine::Open(options, dir.path()).ok());
  options.read_only = true;
  CHECK_FALSE(Engine::Open(options, dir.path("other")).ok());
  CHECK_FALSE(fs::exists(dir.path("store") + "/CURRENT"));
}

TEST_CASE("families are apart: one key has a value in each") {
  const TempDir dir;
  const auto engine = OpenEngine(dir.path());
  const Family families[] = {Family::kDefault, Family::kData, Family::kIndex, Family::kVectors};
  const auto batch = engine->NewBatch();
  for (const Family family : families) {
    batch->Put(family, "key", std::to_string(static_cast<int>(family)));
  }
  CHECK(batch->count() == 4);
  CHECK(batch->size_bytes() > 0);
  REQUIRE_OK(engine->Write(*batch, /*sync=*/true));
  for (const Family family : families) {
    CHECK(Get(*engine, family, "key") == std::to_string(static_cast<int>(family)));
  }
  batch->Clear();
  CHECK(batch->count() == 0);
  batch->Delete(Family::kIndex, "key");
  REQUIRE_OK(engine->Write(*batch, /*sync=*/false));
  CHECK(Get(*engine, Family::kIndex, "key") == "(none)");
  CHECK(Get(*engine, Family::kData, "key") == "1");
}

TEST_CASE("MultiGet answers every key in its place, equal ones too") {
  // Goal: duplicates, absent keys and any order. Method: random questions against a std::map, from
  // the write buffer and from a table file.
  constexpr uint32_t kSeed = 3;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  const TempDir dir;
  const auto engine = OpenEngine(dir.path());
  std::map<std::string, std::string> oracle;
  for (int i = 0; i < 200; i += 2) {
    const std::string key = "k" + std::to_string(i);
    oracle[key] = std::string(static_cast<size_t>(i) * 10, 'v') + key;
    Put(*engine, Family::kData, key, oracle[key]);
  }
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    if (round == 100) REQUIRE_OK(engine->Flush());
    std::vector<std::string> keys(random() % 60);
    for (std::string& key : keys) key = "k" + std::to_string(random() % 40);
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    std::vector<PinnedValue> values(keys.size());
    bool found[60] = {};
    REQUIRE_OK(engine->MultiGet(Family::kData, {}, views, values.data(), found));
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto it = oracle.find(keys[i]);
      REQUIRE(found[i] == (it != oracle.end()));
      if (found[i]) CHECK(values[i].view() == it->second);
    }
  }
}

TEST_CASE("a cursor stays within its bounds in every direction") {
  const TempDir dir;
  const auto engine = OpenEngine(dir.path());
  for (const char* key : {"a", "b", "ba", "c", "d"}) Put(*engine, Family::kIndex, key, "");
  for (const bool flushed : {false, true}) {
    CAPTURE(flushed);
    if (flushed) REQUIRE_OK(engine->Flush());
    CHECK(KeysIn(*engine, Family::kIndex, "", "") == "a b ba c d ");
    CHECK(KeysIn(*engine, Family::kIndex, "b", "") == "b ba c d ");
    CHECK(KeysIn(*engine, Family::kIndex, "", "c") == "a b ba ");
    CHECK(KeysIn(*engine, Family::kIndex, "b", "c") == "b ba ");
    CHECK(KeysIn(*engine, Family::kIndex, "bb", "c") == "");
    CHECK(KeysIn(*engine, Family::kData, "", "") == "");
    const auto cursor = engine->NewCursor(Family::kIndex, {}, "b", "c");
    CHECK_FALSE(cursor->Valid());
    cursor->Seek("a");
    REQUIRE(cursor->Valid());
    CHECK(cursor->key() == "b");
    cursor->Prev();
    CHECK_FALSE(cursor->Valid());
    cursor->SeekForPrev("z");
    REQUIRE(cursor->Valid());
    CHECK(cursor->key() == "ba");
    cursor->Next();
    CHECK_FALSE(cursor->Valid());
    cursor->SeekForPrev("a");
    CHECK_FALSE(cursor->Valid());
    CHECK_OK(cursor->status());
  }
}

TEST_CASE("a snapshot sees its own moment, and its sequence is that of the last write") {
  const TempDir dir;
  const auto engine = OpenEngine(dir.path());
  Put(*engine, Family::kData, "a", "1");
  const uint64_t before = engine->LatestSequence();
  const auto snapshot = engine->NewSnapshot();
  CHECK(snapshot->sequence() == before);
  const auto batch = engine->NewBatch();
  batch->Put(Family::kData, "a", "2");
  batch->Put(Family::kData, "b", "2");
  batch->Put(Family::kVectors, "c", "2");
  REQUIRE_OK(engine->Write(*batch, /*sync=*/false));
  CHECK(engine->LatestSequence() == before + 3);
  CHECK(engine->NewSnapshot()->sequence() == before + 3);
  REQUIRE_OK(engine->Flush());
  CHECK(snapshot->sequence() == before);
  CHECK(Get(*engine, Family::kData, "a", snapshot.get()) == "1");
  CHECK(Get(*engine, Family::kData, "b", snapshot.get()) == "(none)");
  CHECK(KeysIn(*engine, Family::kData, "", "", snapshot.get()) == "a ");
  CHECK(Get(*engine, Family::kData, "a") == "2");
}

// While it lives no file of this process grows over `bytes`, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(getrlimit(RLIMIT_FSIZE, &old_limit_) == 0);
    rlimit limit = old_limit_;
    limit.rlim_cur = bytes;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_limit_{};
  void (*const old_handler_)(int);
};

TEST_CASE("after a failed write the engine refuses writes, and reads on") {
  // Goal: no write after one whose effect is unknown.
  const TempDir dir;
  const std::string value(100'000, 'v');
  int acknowledged = 0;
  {
    const auto engine = OpenEngine(dir.path());
    const auto batch = engine->NewBatch();
    const auto write = [&](int i) {
      batch->Clear();
      batch->Put(Family::kData, "k" + std::to_string(i), value);
      return engine->Write(*batch, /*sync=*/true);
    };
    absl::Status failed;
    {
      const FileSizeLimit limit(1'000'000);
      while (acknowledged < 100 && (failed = write(acknowledged)).ok()) ++acknowledged;
    }
    CHECK_FALSE(failed.ok());
    CHECK(acknowledged > 0);
    CHECK(acknowledged < 100);
    // There is room again, but the engine cannot know what became of the write that failed.
    CHECK(absl::IsDataLoss(write(1'000)));
    CHECK(absl::IsDataLoss(write(1'001)));
    CHECK(Get(*engine, Family::kData, "k0") == value);
  }
  const auto engine = OpenEngine(dir.path());
  for (int i = 0; i < acknowledged; ++i) {
    CHECK(Get(*engine, Family::kData, "k" + std::to_string(i)) == value);
  }
  CHECK(Get(*engine, Family::kData, "k1000") == "(none)");
  Put(*engine, Family::kData, "again", "1");
}

TEST_CASE("after a failed flush the engine refuses writes, reads on, and has lost nothing") {
  const TempDir dir;
  const std::string value(100'000, 'v');
  {
    const auto engine = OpenEngine(dir.path());
    for (int i = 0; i < 20; ++i) Put(*engine, Family::kData, "k" + std::to_string(i), value);
    {
      const FileSizeLimit limit(1'000'000);
      CHECK_FALSE(engine->Flush().ok());
    }
    const auto batch = engine->NewBatch();
    batch->Put(Family::kData, "late", "1");
    CHECK_FALSE(engine->Write(*batch, /*sync=*/true).ok());
    CHECK(absl::IsDataLoss(engine->Write(*batch, /*sync=*/true)));
    CHECK(Get(*engine, Family::kData, "k19") == value);
  }
  const auto engine = OpenEngine(dir.path());
  for (int i = 0; i < 20; ++i) {
    CHECK(Get(*engine, Family::kData, "k" + std::to_string(i)) == value);
  }
  Put(*engine, Family::kData, "again", "1");
  REQUIRE_OK(engine->Flush());
}

TEST_CASE("a damaged block is DataLoss for every way of reading it") {
  const TempDir dir;
  {
    const auto engine = OpenEngine(dir.path());
    for (int i = 0; i < 100; ++i) Put(*engine, Family::kData, "k" + std::to_string(i), "value");
    REQUIRE_OK(engine->Flush());
  }
  DamageLargestTable(dir.path());
  const auto engine = OpenEngine(dir.path());
  PinnedValue value;
  bool found = false;
  CHECK(absl::IsDataLoss(engine->Get(Family::kData, {}, "k1", &value, &found)));
  CHECK_FALSE(found);
  const std::string_view keys[] = {"k1", "k2"};
  PinnedValue values[2];
  bool founds[2];
  CHECK(absl::IsDataLoss(engine->MultiGet(Family::kData, {}, keys, values, founds)));
  const auto cursor = engine->NewCursor(Family::kData, {}, "", "");
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) CHECK(cursor->value() == "value");
  CHECK(absl::IsDataLoss(cursor->status()));
  CHECK(absl::IsDataLoss(engine->VerifyFiles()));
}

TEST_CASE("a store with a damaged block answers DataLoss, and Verify names the file") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path());
    for (int i = 0; i < 100; ++i) REQUIRE_OK(store->Set({}, "k" + std::to_string(i), "value"));
    REQUIRE_OK(store->Flush());
    CheckVerifies(*store);
  }
  const std::string damaged = DamageLargestTable(dir.path());
  const auto store = OpenStore(dir.path());
  CHECK(absl::IsDataLoss(store->Get({}, "k1").status()));
  const std::string_view keys[] = {"k1", "k2"};
  for (const auto& value : store->MultiGet({}, keys)) CHECK(absl::IsDataLoss(value.status()));
  const auto it = store->NewIterator({});
  for (it->SeekToFirst(); it->Valid(); it->Next()) CHECK(it->value() == "value");
  CHECK(absl::IsDataLoss(it->status()));
  const absl::StatusOr<VerifyReport> report = store->Verify();
  REQUIRE_OK(report);
  CHECK(report->problem_count > 0);
  CHECK(Keys(report->problems).find(damaged) != std::string::npos);
  // The rest goes on.
  CHECK_OK(store->Set({}, "new", "value"));
  CHECK(Value(*store, "new") == "value");
}

TEST_CASE("the log file keeps its bound and its newest lines") {
  const TempDir dir;
  const std::string path = dir.path("log"), line(500, 'x');
  {
    FileLogger logger(path);
    for (int i = 0; i < 6'000; ++i) {
      rocksdb::Log(rocksdb::InfoLogLevel::WARN_LEVEL, &logger, "%s %d", line.c_str(), i);
    }
  }
  CHECK(fs::file_size(path) <= kLogBytesMax + 1'000);
  CHECK(fs::file_size(path + ".old") <= kLogBytesMax + 1'000);
  std::ifstream in(path);
  std::string last;
  for (std::string text; std::getline(in, text);) last = text;
  CHECK(last.ends_with(" 5999"));
  // A later process goes on where the file stands.
  const auto before = fs::file_size(path);
  {
    rocksdb::Log(rocksdb::InfoLogLevel::WARN_LEVEL, std::make_unique<FileLogger>(path).get(), "y");
  }
  CHECK(fs::file_size(path) > before);
}

TEST_CASE("a log that cannot be written is no failure") {
  const TempDir dir;
  fs::create_symlink("/dev/full", dir.path("full"));
  for (const std::string& path : {dir.path("none") + "/log", dir.path(""), dir.path("full")}) {
    FileLogger logger(path);
    for (int i = 0; i < 5'000; ++i) {
      rocksdb::Log(rocksdb::InfoLogLevel::ERROR_LEVEL, &logger, "%0500d", i);
    }
  }
  // Nor is a line longer than any buffer.
  FileLogger logger(dir.path("log"));
  rocksdb::Log(rocksdb::InfoLogLevel::ERROR_LEVEL, &logger, "%0100000d", 1);
  CHECK(fs::file_size(dir.path("log")) < 10'000);
}

TEST_CASE("a damaged block of values does not keep a store with words from opening") {
  // Goal: errors stay where the damage is. Method: values that fill many blocks of the largest
  // table; one block is damaged, the words of the values in the others are found.
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
    for (int i = 0; i < 400; ++i) {
      const std::string number = std::to_string(i);
      REQUIRE_OK(store->Set({.durability = Durability::kWritten}, "k" + number,
                            "word" + number + std::string(500, ' ')));
    }
    REQUIRE_OK(store->Flush());
  }
  DamageLargestTable(dir.path());
  const auto store = OpenStore(dir.path());
  const uint64_t found = store->Stats().spaces[0].documents;
  CHECK(found > 0);
  CHECK(found < 400);
  const absl::StatusOr<VerifyReport> report = store->Verify();
  REQUIRE_OK(report);
  CHECK(report->problem_count > 0);
}

TEST_CASE("the log file keeps its bound when the old one cannot be replaced") {
  const TempDir dir;
  std::filesystem::create_directories(dir.path("log.old/x"));
  FileLogger logger(dir.path("log"));
  const std::string line(1'000, 'x');
  for (int i = 0; i < 5'000; ++i) {
    rocksdb::Log(rocksdb::InfoLogLevel::WARN_LEVEL, &logger, "%s", line.c_str());
  }
  CHECK(std::filesystem::file_size(dir.path("log")) <= kLogBytesMax + 3'000);
}

}  // namespace
}  // namespace libkv
