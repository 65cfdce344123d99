// Reads of a store that fits into its cache.
#include <string>
#include <vector>

#include "data.h"
#include "workloads.h"

namespace libkv::perf {
namespace {

constexpr uint64_t kKeys = 200'000;
constexpr size_t kMultiGetKeys = 16;

// Flushed, and read once, so that reads find tables and warm blocks on either side.
void Fill(Side& side) {
  constexpr size_t kItems = 100;
  const Values& values = ValuesOf(100);
  std::vector<std::string> texts(kItems);
  std::vector<KeyValue> items(kItems);
  for (uint64_t i = 0; i < kKeys; i += kItems) {
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
  if (side.IterateAll() != kKeys) Fail("keys are missing");
}

uint64_t GetHit(Side& side, std::chrono::duration<double> duration) {
  return RunCallers(1, duration, 64, [&](uint64_t, uint64_t i) {
    if (!side.Get(Key(0, Mix(i) % kKeys).view())) Fail("a key is missing");
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
  add("get-hit", "stored keys", GetHit);
  add("get-miss", "keys that are not stored", GetMiss);
  add("multiget-16", "16 stored keys a call, per key", MultiGet);
  add("iterate", "from the first to the last, per key", Iterate);
}

}  // namespace libkv::perf
