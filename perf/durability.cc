#include "durability.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>
#include <vector>

#include "data.h"
#include "harness.h"
#include "libkv/store.h"

namespace libkv::perf {
namespace {

constexpr size_t kWriters = 4;
constexpr size_t kBulkKeys = 8;
constexpr int kKillsPerStore = 25;  // then a new store: checking everything stays quick
constexpr std::chrono::microseconds kLifeMax = std::chrono::milliseconds(400);
constexpr std::chrono::microseconds kOpeningMax = std::chrono::milliseconds(20);
constexpr uint64_t kDeleteDistance = 3;  // a delete takes the key of the write so far before it

// What the processes share. Lock-free atomics work across them.
struct Board {
  std::atomic<bool> is_open{false};
  std::atomic<uint64_t> announced[kWriters]{};
  std::atomic<uint64_t> acknowledged[kWriters]{};
  std::atomic<uint64_t> lost{0}, torn_bulks{0}, verify_problems{0};
};

enum class Kind { kSet, kDelete, kBulk };

Kind KindOf(uint64_t n) {
  return n % 5 == 0 ? Kind::kBulk : n % 7 == 0 ? Kind::kDelete : Kind::kSet;
}

std::string SetKey(size_t writer, uint64_t n) {
  return "set:" + std::to_string(writer) + ":" + std::to_string(n);
}
std::string BulkKey(size_t writer, size_t i) {
  return "bulk:" + std::to_string(writer) + ":" + std::to_string(i);
}

std::string SetValue(size_t writer, uint64_t n) {
  const uint64_t bits = Mix(n * kWriters + writer);
  std::string value = "number" + std::to_string(n);
  for (uint64_t i = 0; i < bits % 40; ++i) value += " word" + std::to_string(Mix(bits + i) % 5'000);
  return value;
}

std::unique_ptr<Store> OpenStore(const std::string& directory) {
  Options options;
  options.spaces.push_back({.prefix = "set:", .text = true});
  absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(options, directory);
  if (!store.ok()) Fail("durability: " + store.status().ToString());
  return *std::move(store);
}

absl::Status MakeWrite(Store& store, size_t writer, uint64_t n) {
  const WriteOptions write{.durability =
                               writer % 2 == 0 ? Durability::kSynced : Durability::kWritten};
  switch (KindOf(n)) {
    case Kind::kSet:
      return store.Set(write, SetKey(writer, n), SetValue(writer, n));
    case Kind::kDelete:
      return store.Delete(write, SetKey(writer, n - kDeleteDistance));
    case Kind::kBulk:
      break;
  }
  const std::string value = std::to_string(n);
  std::vector<std::string> keys;
  for (size_t i = 0; i < kBulkKeys; ++i) keys.push_back(BulkKey(writer, i));
  std::vector<KeyValue> items;
  for (const std::string& key : keys) items.push_back({key, value});
  return store.BulkSet(write, items);
}

// Writes until it is killed. A write that was in doubt is made again: with the same content, it
// may be.
void WriteForEver(const std::string& directory, Board* board) {
  const std::unique_ptr<Store> store = OpenStore(directory);
  board->is_open = true;
  std::vector<std::thread> threads;
  for (size_t writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      for (uint64_t n = board->acknowledged[writer] + 1;; ++n) {
        board->announced[writer] = n;
        const absl::Status status = MakeWrite(*store, writer, n);
        if (!status.ok()) Fail("durability: " + status.ToString());
        board->acknowledged[writer] = n;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The value of `key`, "" when there is none.
std::string ValueOf(const Store& store, const std::string& key) {
  const absl::StatusOr<std::string> value = store.Get({}, key);
  return value.ok() ? *value : "";
}

void CheckSets(const Store& store, size_t writer, uint64_t acknowledged, uint64_t announced,
               Board* board) {
  for (uint64_t n = 1; n <= acknowledged; ++n) {
    if (KindOf(n) != Kind::kSet) continue;
    const uint64_t deleter = n + kDeleteDistance;
    const bool has_deleter = KindOf(deleter) == Kind::kDelete;
    if (has_deleter && deleter > acknowledged && deleter <= announced) continue;  // in doubt
    const bool is_deleted = has_deleter && deleter <= acknowledged;
    const std::string expected = is_deleted ? "" : SetValue(writer, n);
    if (ValueOf(store, SetKey(writer, n)) != expected) ++board->lost;
  }
}

void CheckBulk(const Store& store, size_t writer, uint64_t acknowledged, uint64_t announced,
               Board* board) {
  uint64_t last = acknowledged;
  while (last > 0 && KindOf(last) != Kind::kBulk) --last;
  const std::string found = ValueOf(store, BulkKey(writer, 0));
  for (size_t i = 1; i < kBulkKeys; ++i) {
    if (ValueOf(store, BulkKey(writer, i)) == found) continue;
    ++board->torn_bulks;
    return;
  }
  const bool is_last = found == (last == 0 ? "" : std::to_string(last));
  const bool is_in_doubt = announced > acknowledged && KindOf(announced) == Kind::kBulk &&
                           found == std::to_string(announced);
  if (!is_last && !is_in_doubt) ++board->lost;
}

void Check(const std::string& directory, Board* board) {
  const std::unique_ptr<Store> store = OpenStore(directory);
  for (size_t writer = 0; writer < kWriters; ++writer) {
    const uint64_t acknowledged = board->acknowledged[writer];
    const uint64_t announced = board->announced[writer];
    CheckSets(*store, writer, acknowledged, announced, board);
    CheckBulk(*store, writer, acknowledged, announced, board);
  }
  const absl::StatusOr<VerifyReport> report = store->Verify();
  if (!report.ok()) Fail("durability: " + report.status().ToString());
  board->verify_problems += report->problem_count;
  for (const std::string& problem : report->problems) {
    std::fprintf(stderr, "durability: %s\n", problem.c_str());
  }
}

// Lets a writing process live for a random while and kills it, sometimes while it still opens.
void LiveAndDie(const std::string& directory, std::mt19937_64& random, Board* board) {
  board->is_open = false;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) Fail("fork failed");
  if (child == 0) {
    WriteForEver(directory, board);
    _exit(1);
  }
  const bool dies_while_opening = random() % 8 == 0;
  int status = 0;
  pid_t ended = 0;
  while (!dies_while_opening && !board->is_open && ended == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ended = waitpid(child, &status, WNOHANG);
  }
  const std::chrono::microseconds life_max = dies_while_opening ? kOpeningMax : kLifeMax;
  std::this_thread::sleep_for(
      std::chrono::microseconds(random() % static_cast<uint64_t>(life_max.count())));
  if (ended == 0) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
    Fail("durability: the writing process ended by itself");
  }
}

void AddUp(const Board& board, DurabilityReport* report) {
  for (size_t writer = 0; writer < kWriters; ++writer) {
    report->attempted += board.announced[writer];
    report->acknowledged += board.acknowledged[writer];
  }
  report->lost += board.lost;
  report->torn_bulks += board.torn_bulks;
  report->verify_problems += board.verify_problems;
}

}  // namespace

DurabilityReport RunDurability(const std::string& directory, int kills, uint64_t seed) {
  static_assert(std::atomic<uint64_t>::is_always_lock_free);
  std::mt19937_64 random(seed);
  DurabilityReport report;
  while (report.kills < static_cast<uint64_t>(kills)) {
    void* const shared =
        mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) Fail("no shared memory");
    auto* const board = new (shared) Board;
    std::filesystem::remove_all(directory);
    for (int i = 0; i < kKillsPerStore && report.kills < static_cast<uint64_t>(kills); ++i) {
      LiveAndDie(directory, random, board);
      ++report.kills;
      InChild([&](Sample*) { Check(directory, board); });
    }
    AddUp(*board, &report);
    munmap(shared, sizeof(Board));
  }
  std::filesystem::remove_all(directory);
  return report;
}

void Print(const DurabilityReport& report) {
  const auto print = [](const char* what, uint64_t number) {
    std::printf("  %-16s %llu\n", what, static_cast<unsigned long long>(number));
  };
  std::printf(
      "durability: writers killed with kill -9 at random moments, then everything compared\n");
  print("kills", report.kills);
  print("attempted", report.attempted);
  print("acknowledged", report.acknowledged);
  print("lost", report.lost);
  print("torn bulks", report.torn_bulks);
  print("verify problems", report.verify_problems);
}

std::string ToJson(const DurabilityReport& report, const std::string& command) {
  return nlohmann::json({{"workload", "durability"},
                         {"command", command},
                         {"kills", report.kills},
                         {"attempted", report.attempted},
                         {"acknowledged", report.acknowledged},
                         {"lost", report.lost},
                         {"torn_bulks", report.torn_bulks},
                         {"verify_problems", report.verify_problems}})
      .dump();
}

}  // namespace libkv::perf
