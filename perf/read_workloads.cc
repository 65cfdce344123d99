// Reads of a store that fits into its cache.
#include <cmath>
#include <string>
#include <vector>

#include "data.h"
#include "workloads.h"

namespace libkv::perf {
namespace {

constexpr uint64_t kKeys = 200'000;
constexpr uint64_t kManyKeys = 1'500'000;  // four times as many as there is room for records
constexpr size_t kMultiGetKeys = 16;

// Flushed, and each key read once, so that reads find tables and warm caches on either side.
void FillKeys(Side& side, uint64_t keys_count) {
  constexpr size_t kItems = 100;
  const Values& values = ValuesOf(100);
  std::vector<std::string> texts(kItems);
  std::vector<KeyValue> items(kItems);
  for (uint64_t i = 0; i < keys_count; i += kItems) {
    std::vector<Key> keys;
    keys.reserve(kItems);
    for (size_t j = 0; j < kItems; ++j) {
      keys.emplace_back(0, i + j);
      values.Fill(i + j, &texts[j]);
      items[j] = {keys[j].view(), texts[j]};
    }
    side.BulkSet(Durability::kBuffered, items);
  }
  side.Flush();
  for (uint64_t i = 0; i < keys_count; ++i) {
    if (!side.Get(Key(0, i).view())) Fail("a key is missing");
  }
}

void Fill(Side& side) { FillKeys(side, kKeys); }
void FillMany(Side& side) { FillKeys(side, kManyKeys); }

Work GetOf(int callers, uint64_t keys) {
  return [=](Side& side, std::chrono::duration<double> duration) {
    return RunCallers(callers, duration, 64, [&](uint64_t caller, uint64_t i) {
      if (!side.Get(Key(0, Mix(i + (caller << 40)) % keys).view())) Fail("a key is missing");
    });
  };
}

// The n-th key n times rarer than the first.
uint64_t GetZipf(Side& side, std::chrono::duration<double> duration) {
  return RunCallers(1, duration, 64, [&](uint64_t, uint64_t i) {
    const double share = static_cast<double>(Mix(i) >> 11) * 0x1p-53;
    const auto rank = static_cast<uint64_t>(std::pow(static_cast<double>(kManyKeys), share));
    if (!side.Get(Key(0, rank % kManyKeys).view())) Fail("a key is missing");
  });
}

uint64_t GetMiss(Side& side, std::chrono::duration<double> duration) {
  return RunCallers(1, duration, 64, [&](uint64_t, uint64_t i) {
    if (side.Get(Key(1, i).view())) Fail("a key should be missing");
  });
}

uint64_t MultiGet(Side& side, std::chrono::duration<double> duration) {
  return kMultiGetKeys * RunCallers(1, duration, 8, [&](uint64_t, uint64_t i) {
           std::vector<Key> keys;
           std::vector<std::string_view> views;
           keys.reserve(kMultiGetKeys);
           views.reserve(kMultiGetKeys);
           for (size_t j = 0; j < kMultiGetKeys; ++j) {
             keys.emplace_back(0, Mix(i * kMultiGetKeys + j) % kKeys);
             views.push_back(keys[j].view());
           }
           if (side.MultiGet(views) != kMultiGetKeys) Fail("a key is missing");
         });
}

uint64_t Iterate(Side& side, std::chrono::duration<double> duration) {
  return kKeys * RunCallers(1, duration, 1, [&](uint64_t, uint64_t) {
           if (side.IterateAll() != kKeys) Fail("keys are missing");
         });
}

}  // namespace

void AddReadWorkloads(std::vector<Workload>* list) {
  const auto add = [list](std::string name, std::string summary, Work run) {
    list->push_back({std::move(name), "200,000 keys, 100 B values, in cache: " + summary, Libkv(),
                     RawRocksdb(), Measured(Fill, std::move(run))});
  };
  add("get-hit", "stored keys", GetOf(1, kKeys));
  add("get-hit-4", "stored keys, 4 callers", GetOf(4, kKeys));
  add("get-miss", "keys that are not stored", GetMiss);
  add("multiget-16", "16 stored keys a call, per key", MultiGet);
  add("iterate", "from the first to the last, per key", Iterate);
  list->push_back({"get-many", "1,500,000 keys, 100 B values: all equally often", Libkv(),
                   RawRocksdb(), Measured(FillMany, GetOf(1, kManyKeys))});
  list->push_back({"get-many-zipf", "1,500,000 keys, 100 B values: by Zipf's law", Libkv(),
                   RawRocksdb(), Measured(FillMany, GetZipf)});
}

}  // namespace libkv::perf
