// Bits that rot in the log of a store that was not closed: noticed, never silently lost.
#include <doctest/doctest.h>

#include <filesystem>
#include <random>
#include <string>
#include <system_error>

#include "engine/log_scan.h"
#include "support/files.h"
#include "support/store_test.h"

namespace libkv {
namespace {

namespace fs = std::filesystem;

// Leaves in `directory` what a process leaves behind that opened the store there (or a new one),
// set `count` keys and was killed: a copy of its files, taken while it is open.
void LeaveBehind(const std::string& directory, int count, Durability durability) {
  const std::string live = directory + "-live";
  fs::remove_all(live);
  if (fs::exists(directory)) fs::copy(directory, live);
  const auto store = OpenStore(live);
  for (int i = 0; i < count; ++i) {
    const std::string key = "key" + std::to_string(i);
    REQUIRE_OK(store->Set({.durability = durability}, key, "value of " + key));
  }
  // Files that are no longer needed go in the background, perhaps while they are copied: again
  // then.
  std::error_code error;
  for (int i = 0; i < 20; ++i) {
    fs::remove_all(directory);
    fs::copy(live, directory, error);
    if (!error) return;
  }
  FAIL(error.message());
}

// What was written of it: it may end in zeros, which later writes would have been written over.
size_t WrittenBytes(const std::string& log) { return log.find_last_not_of('\0') + 1; }

std::string LargestLog(const std::string& directory) {
  std::string found;
  uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() != ".log" || entry.path().filename() == "libkv.log") continue;
    if (entry.file_size() >= bytes) found = entry.path(), bytes = entry.file_size();
  }
  return found;
}

int KeysThere(const Store& store, int count) {
  int there = 0;
  for (int i = 0; i < count; ++i) {
    const std::string key = "key" + std::to_string(i);
    there += Value(store, key) == "value of " + key ? 1 : 0;
  }
  return there;
}

TEST_CASE("a flipped bit in the log of synced writes is refused, or loses nothing") {
  // Goal: no silent loss. Method: many copies of a store that was not closed, one bit of its log
  // flipped in each. Damage to the very last record cannot be told from a torn tail: so the last
  // write is not counted.
  constexpr int kKeys = 150;
  const TempDir dir;
  LeaveBehind(dir.path("left"), kKeys, Durability::kSynced);
  const std::string log = fs::path(LargestLog(dir.path("left"))).filename();
  const std::string bytes = ReadFile(dir.path("left") + "/" + log);
  const size_t written = WrittenBytes(bytes);
  REQUIRE(written > 10'000);

  const uint64_t seed = 42;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  int refused = 0;
  for (int trial = 0; trial < 60; ++trial) {
    CAPTURE(trial);
    fs::remove_all(dir.path("copy"));
    fs::copy(dir.path("left"), dir.path("copy"), fs::copy_options::recursive);
    std::string damaged = bytes;
    const size_t at = random() % written;
    damaged[at] = static_cast<char>(damaged[at] ^ 1 << random() % 8);
    WriteFile(dir.path("copy") + "/" + log, damaged);

    const auto store = Store::Open({}, dir.path("copy"));
    if (!store.ok()) {
      CHECK(absl::IsDataLoss(store.status()));
      CHECK(StatusText(store).find(log) != std::string::npos);
      // Nothing was changed: the log can still be looked at.
      CHECK(ReadFile(dir.path("copy") + "/" + log) == damaged);
      ++refused;
      continue;
    }
    CHECK(KeysThere(**store, kKeys) >= kKeys - 1);
  }
  CHECK(refused > 50);
}

TEST_CASE("a torn log is no damage: what was synced is there, and the store opens") {
  // Goal: no false alarm. Method: the log cut off at many places, and with its tail zeroed.
  constexpr int kKeys = 100;
  const TempDir dir;
  LeaveBehind(dir.path("left"), kKeys, Durability::kWritten);
  const std::string log = fs::path(LargestLog(dir.path("left"))).filename();
  const std::string bytes = ReadFile(dir.path("left") + "/" + log);
  const uint64_t seed = 43;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int trial = 0; trial < 40; ++trial) {
    CAPTURE(trial);
    fs::remove_all(dir.path("copy"));
    fs::copy(dir.path("left"), dir.path("copy"), fs::copy_options::recursive);
    std::string torn = bytes;
    const size_t at = random() % WrittenBytes(bytes);
    if (trial % 3 == 0) {
      torn.resize(at);
    } else if (trial % 3 == 1) {
      std::fill(torn.begin() + static_cast<std::ptrdiff_t>(at), torn.end(), '\0');
    } else {  // a hole: a sector that never reached the disk, with later ones that did
      const size_t sector = at / 512 * 512;
      std::fill_n(torn.begin() + static_cast<std::ptrdiff_t>(sector),
                  std::min<size_t>(512, torn.size() - sector), '\0');
      if (sector == 0) continue;  // the first rows of a store are synced
    }
    WriteFile(dir.path("copy") + "/" + log, torn);
    CHECK_OK(Store::Open({}, dir.path("copy")));
  }
}

TEST_CASE("what stands behind a hole in the log is not recovered, whatever is intact there") {
  // Goal: what comes back after a power cut is a beginning of all commits, and no commit without
  // those before it. Method: from some record on, the rest of a block of a log that was never
  // synced is zeros, as if it had not reached the disk; the next block begins with a whole record.
  constexpr int kKeys = 12'000;
  constexpr size_t kBlock = 32 << 10, kHeader = 7;
  const TempDir dir;
  const auto key = [](int i) { return "key" + std::to_string(100'000 + i); };
  std::string log;
  {
    const auto store = OpenStore(dir.path("live"));
    for (int i = 0; i < kKeys; ++i) {
      const std::string value(static_cast<size_t>(i * 37 % 23), 'v');
      REQUIRE_OK(store->Set({.durability = Durability::kWritten}, key(i), value));
    }
    fs::copy(dir.path("live"), dir.path("left"));
    log = fs::path(LargestLog(dir.path("left"))).filename();
  }
  const std::string bytes = ReadFile(dir.path("left") + "/" + log);
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(bytes[at]); };
  int holes = 0;
  for (size_t block = 1; (block + 2) * kBlock < WrittenBytes(bytes) && holes < 3; ++block) {
    const size_t next = (block + 1) * kBlock;
    if (byte(next + kHeader - 1) != 1) continue;  // begins with the rest of a record
    ++holes;
    size_t at = block * kBlock;
    while (at < block * kBlock + kBlock / 2) {
      at += kHeader + byte(at + 4) + (size_t{byte(at + 5)} << 8);
    }
    CAPTURE(at);
    fs::remove_all(dir.path("copy"));
    fs::copy(dir.path("left"), dir.path("copy"));
    std::string with_hole = bytes;
    std::fill(with_hole.begin() + static_cast<std::ptrdiff_t>(at),
              with_hole.begin() + static_cast<std::ptrdiff_t>(next), '\0');
    WriteFile(dir.path("copy") + "/" + log, with_hole);
    const auto store = OpenStore(dir.path("copy"));
    int there = 0;
    while (there < kKeys && store->Get({}, key(there)).ok()) ++there;
    CHECK(there > 100);
    CHECK(there < kKeys);
    int behind = 0;
    for (int i = there; i < kKeys; ++i) behind += store->Get({}, key(i)).ok() ? 1 : 0;
    CHECK(behind == 0);
  }
  CHECK(holes > 0);
}

TEST_CASE("a torn log that an earlier open recovered from is no damage") {
  // Goal: no false alarm after two crashes. Method: a torn log is recovered, synced writes follow,
  // the process ends; the torn log is put back, as if there had been no time to delete it.
  const TempDir dir;
  LeaveBehind(dir.path(), 50, Durability::kWritten);
  const std::string log = LargestLog(dir.path());
  std::string torn = ReadFile(log);
  torn.resize(WrittenBytes(torn) - 20);
  WriteFile(log, torn);
  LeaveBehind(dir.path(), 10, Durability::kSynced);
  if (!fs::exists(log)) WriteFile(log, torn);
  const auto store = OpenStore(dir.path());
  CHECK(KeysThere(*store, 49) == 49);
}

TEST_CASE("the checksum of logs is CRC-32C on every machine") {
  CHECK(Crc32c("123456789") == 0xe3069283u);
  CHECK(Crc32c("") == 0);
  CHECK(Crc32c(std::string(32, '\0')) == 0x8a9136aau);
}

}  // namespace
}  // namespace libkv
