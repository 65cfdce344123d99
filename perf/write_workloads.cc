// New keys, bulks and overwrites.
#include <string>
#include <vector>

#include "data.h"
#include "workloads.h"

namespace libkv::perf {
namespace {

struct Level {
  Durability durability;
  std::string name;
};

const Level kLevels[] = {{Durability::kBuffered, "buffered"},
                         {Durability::kWritten, "written"},
                         {Durability::kSynced, "synced"}};

// A sync takes far longer than a look at the clock.
uint64_t StrideOf(Durability durability) { return durability == Durability::kSynced ? 1 : 16; }

Work SetNewKeys(Durability durability, int callers, size_t value_bytes) {
  return [=](Side& side, std::chrono::duration<double> duration) {
    const Values& values = ValuesOf(value_bytes);
    return RunCallers(callers, duration, StrideOf(durability), [&](uint64_t caller, uint64_t i) {
      thread_local std::string value;
      const uint64_t number = caller << 32 | i;
      values.Fill(number, &value);
      side.Set(durability, Key(0, number).view(), value);
    });
  };
}

void AddSets(std::vector<Workload>* list, const Level& level, int callers, size_t value_bytes) {
  const bool is_large = value_bytes > 100;
  list->push_back({"set-" + level.name + "-" + std::to_string(callers) + (is_large ? "-1k" : ""),
                   "new keys, " + std::to_string(value_bytes) + " B values, " + level.name + ", " +
                       std::to_string(callers) + (callers == 1 ? " caller" : " callers"),
                   Libkv(), RawRocksdb(),
                   Measured([value_bytes](Side&) { ValuesOf(value_bytes); },
                            SetNewKeys(level.durability, callers, value_bytes))});
}

uint64_t BulkSetNewKeys(Side& side, Durability durability, std::chrono::duration<double> duration) {
  constexpr size_t kItems = 100;
  const Values& values = ValuesOf(100);
  std::vector<std::string> texts(kItems);
  std::vector<KeyValue> items(kItems);
  return kItems * RunCallers(1, duration, 1, [&](uint64_t, uint64_t i) {
           std::vector<Key> keys;
           keys.reserve(kItems);
           for (size_t j = 0; j < kItems; ++j) {
             keys.emplace_back(0, i * kItems + j);
             values.Fill(i * kItems + j, &texts[j]);
             items[j] = {keys[j].view(), texts[j]};
           }
           side.BulkSet(durability, items);
         });
}

constexpr uint64_t kOverwrittenKeys = 100'000;

void FillForOverwrite(Side& side) {
  const Values& values = ValuesOf(100);
  std::string value;
  for (uint64_t i = 0; i < kOverwrittenKeys; ++i) {
    values.Fill(i, &value);
    side.Set(Durability::kBuffered, Key(0, i).view(), value);
  }
}

uint64_t Overwrite(Side& side, std::chrono::duration<double> duration) {
  const Values& values = ValuesOf(100);
  std::string value;
  return RunCallers(1, duration, 16, [&](uint64_t, uint64_t i) {
    values.Fill(kOverwrittenKeys + i, &value);
    side.Set(Durability::kWritten, Key(0, Mix(i) % kOverwrittenKeys).view(), value);
  });
}

}  // namespace

void AddWriteWorkloads(std::vector<Workload>* list) {
  for (const size_t value_bytes : {100, 1'024}) {
    for (const Level& level : kLevels) {
      for (const int callers : {1, 8, 64}) AddSets(list, level, callers, value_bytes);
    }
  }
  for (const Level& level : {kLevels[1], kLevels[2]}) {
    list->push_back({"bulkset-100-" + level.name,
                     "new keys, 100 of 100 B in each batch, " + level.name + ", per key", Libkv(),
                     RawRocksdb(),
                     Measured([](Side&) { ValuesOf(100); },
                              [level](Side& side, std::chrono::duration<double> duration) {
                                return BulkSetNewKeys(side, level.durability, duration);
                              })});
  }
  list->push_back({"overwrite", "100,000 keys, 100 B values, at random, written", Libkv(),
                   RawRocksdb(), Measured(FillForOverwrite, Overwrite)});
}

}  // namespace libkv::perf
