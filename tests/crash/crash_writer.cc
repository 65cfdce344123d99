// Writes until it is killed: crash_writer DIRECTORY FIRST_NUMBER MODE, reporting to file 3.
//
// Each thread says what it is about to do, does it, and says so when the call has returned: at most
// one operation per thread is in doubt when the end comes.
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "crash/workload.h"

namespace libkv::crash {
namespace {

constexpr int kReportFile = 3;

void Send(Message::Kind kind, size_t thread, uint64_t number, int64_t result = 0) {
  const Message message{kind, thread, number, result};
  // Shorter than PIPE_BUF: whole or not at all. Without a reader SIGPIPE ends this process.
  if (write(kReportFile, &message, sizeof message) != sizeof message) _exit(4);
}

absl::Status WriteBulk(Store& store, const WriteOptions& write, size_t thread, uint64_t number,
                       Mode mode) {
  std::vector<std::string> keys, values;
  for (size_t i = 0; i < kBulkKeys; ++i) {
    keys.push_back(BulkKey(thread, i));
    values.push_back(BulkValue(thread, number, i));
  }
  std::vector<KeyValue> items;
  for (size_t i = 0; i < kBulkKeys; ++i) items.push_back({keys[i], values[i]});
  if (mode != Mode::kSplit) return store.BulkSet(write, items);
  for (const KeyValue& item : items) {
    if (absl::Status status = store.Set(write, item.key, item.value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status WriteBlock(Store& store, const WriteOptions& write, size_t thread, uint64_t number) {
  Batch batch;
  for (size_t i = 0; i < BlockKeys(thread); ++i) {
    const std::string key = BlockKey(thread, BlockOf(thread, number), i);
    if (IsDelete(number)) {
      batch.Delete(key);
    } else if (RoleOf(thread) == Role::kClusters) {
      const std::vector<float> vector = ClusterVector(thread, number, i);
      batch.Set(key, BlockValue(thread, number, i), {.vector = vector});
    } else {
      batch.Set(key, BlockValue(thread, number, i));
    }
  }
  return store.Apply(write, batch);
}

absl::Status WriteRows(Store& store, const WriteOptions& write, size_t thread, uint64_t number,
                       Mode mode) {
  Batch batch;
  for (size_t i = 0; i < kStampedKeys; ++i) {
    const std::string stamp = StampOf(number);
    batch.Set(StampedKey(thread, i), StampedValue(thread, number, i), {.stamp = stamp});
  }
  if (mode == Mode::kSplit) {
    if (absl::Status status = store.Apply(write, batch); !status.ok()) return status;
    batch.Clear();
  }
  for (size_t i = 0; i < kBatchRows; ++i) {
    const std::string value = RowValue(number, i);
    if (value.empty()) {
      batch.DeleteRow(RowName(thread, i));
    } else {
      batch.PutRow(RowName(thread, i), value);
    }
  }
  return store.Apply(write, batch);
}

absl::Status Count(Store& store, const WriteOptions& write, uint64_t number, int64_t* result) {
  if (IsIncrement(number)) {
    const absl::StatusOr<int64_t> sum = store.Increment(write, kIncrementedKey);
    if (sum.ok()) *result = *sum;
    return sum.status();
  }
  const absl::StatusOr<std::string> now = store.Get({}, kComparedKey);
  if (!now.ok() && !absl::IsNotFound(now.status())) return now.status();
  const std::string next = std::to_string(now.ok() ? NumberOf(*now) + 1 : 1);
  if (!now.ok()) return store.CompareAndSet(write, kComparedKey, std::nullopt, next);
  return store.CompareAndSet(write, kComparedKey, *now, next);
}

absl::Status Operate(Store& store, size_t thread, uint64_t number, Mode mode, int64_t* result) {
  const WriteOptions write{.durability = DurabilityOf(thread)};
  switch (RoleOf(thread)) {
    case Role::kSets:
    case Role::kTexts:
      return IsDelete(number) ? store.Delete(write, KeyOf(thread, number))
                              : store.Set(write, KeyOf(thread, number), ValueOf(thread, number));
    case Role::kBulks:
      return WriteBulk(store, write, thread, number, mode);
    case Role::kVectors:
    case Role::kClusters:
      return WriteBlock(store, write, thread, number);
    case Role::kRows:
      return WriteRows(store, write, thread, number, mode);
    case Role::kCounters:
      break;
  }
  return Count(store, write, number, result);
}

void WriteForEver(Store& store, size_t thread, uint64_t number, Mode mode) {
  for (;; ++number) {
    int64_t result = 0;
    Send(Message::Kind::kAttempt, thread, number);
    const bool is_early = mode == Mode::kEarly && RoleOf(thread) != Role::kCounters;
    if (is_early) Send(Message::Kind::kAcknowledged, thread, number);
    const absl::Status status = Operate(store, thread, number, mode, &result);
    if (status.ok()) {
      if (!is_early) Send(Message::Kind::kAcknowledged, thread, number, result);
    } else if (absl::IsAborted(status)) {
      Send(Message::Kind::kAborted, thread, number);
    } else {
      std::fprintf(stderr, "crash_writer: %s\n", status.ToString().c_str());
      _exit(5);
    }
  }
}

// Words move to the disk, segments are merged and built anew while the others write.
void SealForEver(Store& store) {
  for (uint64_t round = 1;; ++round) {
    for (const std::string_view prefix : {"text:", "bulk:"}) {
      const absl::Status status = round % 16 == 0  ? store.Reindex(prefix)
                                  : round % 4 == 0 ? store.MergeIndex(prefix)
                                                   : store.SealIndex(prefix);
      if (status.ok()) continue;
      std::fprintf(stderr, "crash_writer: %s\n", status.ToString().c_str());
      _exit(7);
    }
  }
}

// Generations of vectors come and go.
void ReembedForEver(Store& store) {
  for (;;) {
    for (const std::string_view prefix : {"vector:", "text:", "bulk:"}) {
      const absl::Status status = store.Reembed(prefix);
      if (!status.ok()) {
        std::fprintf(stderr, "crash_writer: %s\n", status.ToString().c_str());
        _exit(8);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

// Says when lists of clusters have been split or merged.
void WatchListsForEver(const Store& store) {
  constexpr auto kBetweenLooks = std::chrono::microseconds(300);
  const auto tell = [](Message::Kind kind, uint64_t before, uint64_t now) {
    if (now != before) Send(kind, 0, 0, static_cast<int64_t>(now));
  };
  for (ListChanges before;; std::this_thread::sleep_for(kBetweenLooks)) {
    const ListChanges now = ListChangesOf(store);
    tell(Message::Kind::kListSplits, before.splits, now.splits);
    tell(Message::Kind::kListMerges, before.merges, now.merges);
    before = now;
  }
}

int Run(const std::string& directory, uint64_t first_number, Mode mode) {
  absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(StoreOptions(), directory);
  if (!store.ok()) {
    std::fprintf(stderr, "crash_writer: %s\n", store.status().ToString().c_str());
    return 6;
  }
  std::vector<std::thread> threads;
  threads.emplace_back([&] { WatchListsForEver(**store); });
  for (size_t thread = 0; thread < kThreads; ++thread) {
    if (mode == Mode::kBlocksOnly && !HasBlocks(thread)) continue;
    threads.emplace_back([&, thread] { WriteForEver(**store, thread, first_number, mode); });
  }
  if (mode != Mode::kBlocksOnly) {
    threads.emplace_back([&] { SealForEver(**store); });
    threads.emplace_back([&] { ReembedForEver(**store); });
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace libkv::crash

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  uint64_t first_number = 0;
  std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), first_number);
  const std::string mode = argv[3];
  using libkv::crash::Mode;
  return libkv::crash::Run(argv[1], first_number,
                           mode == "early"    ? Mode::kEarly
                           : mode == "split"  ? Mode::kSplit
                           : mode == "blocks" ? Mode::kBlocksOnly
                                              : Mode::kHonest);
}
