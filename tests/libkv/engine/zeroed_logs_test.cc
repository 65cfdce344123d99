#include "engine/zeroed_logs.h"

#include <doctest/doctest.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <memory>
#include <string>

#include "support/files.h"
#include "support/store_test.h"
#include "support/temp_dir.h"

namespace libkv {
namespace {

// A log as RocksDB writes it.
class Log {
 public:
  explicit Log(const std::string& path) : path_(path) {
    REQUIRE(ZeroedLogsEnv()->NewWritableFile(path, &file_, rocksdb::EnvOptions()).ok());
  }
  void Append(const std::string& bytes) {
    REQUIRE(file_->Append(bytes).ok());
    written_ += bytes;
  }
  void Sync() { REQUIRE(file_->Sync().ok()); }
  void Close() { REQUIRE(file_->Close().ok()); }
  const std::string& written() const { return written_; }
  std::string on_disk() const { return ReadFile(path_); }
  uint64_t size() const { return file_->GetFileSize(); }

 private:
  const std::string path_;
  std::unique_ptr<rocksdb::WritableFile> file_;
  std::string written_;
};

TEST_CASE("small synced writes are written over zeros, which a closed log has not") {
  const TempDir dir;
  Log log(dir.path("000001.log"));
  for (int i = 0; i < 5'000; ++i) {
    log.Append("record " + std::to_string(i) + std::string(100, '.'));
    log.Sync();
    REQUIRE(log.size() == log.written().size());
    if (i % 500 != 499) continue;
    const std::string bytes = log.on_disk();
    CHECK(bytes.starts_with(log.written()));
    CHECK(bytes.size() > log.written().size());
    CHECK(bytes.size() <= log.written().size() + kSmallSyncBytes + kZerosAheadBytes);
    CHECK(bytes.find_first_not_of('\0', log.written().size()) == bytes.npos);
  }
  log.Close();
  CHECK(log.on_disk() == log.written());
}

TEST_CASE("a log of writes that are large, few, or not synced has no zeros ahead") {
  const TempDir dir;
  Log large(dir.path("000001.log"));
  for (int i = 0; i < 20; ++i) {
    large.Append(std::string(kSmallSyncBytes + 1, 'l'));
    large.Sync();
  }
  CHECK(large.on_disk() == large.written());
  Log few(dir.path("000002.log"));
  for (int i = 1; i < kSmallSyncsMin; ++i) {
    few.Append("few");
    few.Sync();
  }
  CHECK(few.on_disk() == few.written());
  Log buffered(dir.path("000003.log"));
  for (int i = 0; i < 100; ++i) buffered.Append("not synced");
  CHECK(buffered.on_disk() == buffered.written());
}

TEST_CASE("writes that are longer than the zeros ahead are whole") {
  const TempDir dir;
  Log log(dir.path("000001.log"));
  for (int i = 0; i < 10; ++i) {
    log.Append("small");
    log.Sync();
  }
  REQUIRE(log.on_disk().size() > log.written().size());
  log.Append(std::string(3 * kZerosAheadBytes, 'x'));
  CHECK(log.on_disk() == log.written());
  for (int i = 0; i < 10; ++i) {
    log.Append("small again");
    log.Sync();
  }
  const std::string bytes = log.on_disk();
  CHECK(bytes.starts_with(log.written()));
  CHECK(bytes.size() > log.written().size());
  log.Close();
  CHECK(log.on_disk() == log.written());
}

TEST_CASE("other files are as they are everywhere") {
  const TempDir dir;
  Log table(dir.path("000001.sst"));
  for (int i = 0; i < 20; ++i) {
    table.Append("block");
    table.Sync();
  }
  CHECK(table.on_disk() == table.written());
}

TEST_CASE("a store whose process was killed is recovered from logs that end in zeros") {
  const TempDir dir;
  constexpr int kKeys = 300;
  {
    const auto store = OpenStore(dir.path("live"));
    for (int i = 0; i < kKeys; ++i) {
      REQUIRE_OK(store->Set({.durability = Durability::kSynced}, std::to_string(i), "value"));
    }
    std::filesystem::copy(dir.path("live"), dir.path("killed"));
  }
  bool has_zeros = false;
  for (const auto& file : std::filesystem::directory_iterator(dir.path("killed"))) {
    if (file.path().extension() != ".log") continue;
    has_zeros |= ReadFile(file.path()).ends_with(std::string(1'000, '\0'));
  }
  CHECK(has_zeros);
  for (int i = 0; i < 2; ++i) {
    const auto store = OpenStore(dir.path("killed"));
    for (int k = 0; k < kKeys; ++k) REQUIRE(Value(*store, std::to_string(k)) == "value");
  }
}

}  // namespace
}  // namespace libkv
