// Everything at once: writers, readers, searches, snapshots, and spaces that come and go.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/store_test.h"

namespace libkv {
namespace {

constexpr int kGroups = 4;    // of keys that are always written together
constexpr int kMembers = 5;   // keys of a group
constexpr int kRounds = 150;  // writes of each group

std::string Key(int group, int member) {
  return "g" + std::to_string(group) + ":" + std::to_string(member);
}

// Writes its group again and again, each time with another generation word and vector.
void WriteGroup(Store& store, int group, std::atomic<int>& errors) {
  for (int round = 1; round <= kRounds; ++round) {
    const std::string word = "generation" + std::to_string(group * 1'000'000 + round);
    const float vector[] = {static_cast<float>(round), static_cast<float>(group), 1};
    Batch batch;
    for (int member = 0; member < kMembers; ++member) {
      SetOptions set;
      set.vector = vector;
      batch.Set(Key(group, member), word, set);
    }
    const Durability durability = round % 10 == 0 ? Durability::kSynced : Durability::kWritten;
    if (!store.Apply({.durability = durability}, batch).ok()) ++errors;
  }
}

// In one snapshot a group has one generation: in the values, in the word index, in the vectors.
void CheckGroup(const Store& store, int group, std::atomic<int>& errors) {
  const auto snapshot = store.GetSnapshot();
  const ReadOptions read{.snapshot = snapshot};
  const auto first = store.Get(read, Key(group, 0));
  if (!first.ok()) return;  // not written yet
  for (int member = 1; member < kMembers; ++member) {
    const auto value = store.Get(read, Key(group, member));
    if (!value.ok() || *value != *first) ++errors;
  }
  const auto vector = store.GetVector(read, Key(group, 0));
  const int round = vector.ok() ? static_cast<int>(vector->front()) : 0;
  if (*first != "generation" + std::to_string(group * 1'000'000 + round)) ++errors;
  SearchOptions search;
  search.snapshot = snapshot;
  search.prefix = "g";
  const auto found = store.Search(search, *first);
  if (!found.ok() || found->total != kMembers) ++errors;
  SimilarOptions similar;
  similar.snapshot = snapshot;
  similar.prefix = "g";
  const auto near = store.SimilarTo(similar, Key(group, 0));
  if (!near.ok() || near->size() < kMembers - 1 || (*near)[kMembers - 2].score != 0) ++errors;
}

TEST_CASE("a snapshot is one moment for values, words and vectors, whatever happens meanwhile") {
  const TempDir dir;
  Space space = VectorSpace(3, Metric::kL2, "g");
  space.text = true;
  const auto store = OpenStore(dir.path(), WithSpaces({space}));
  for (int i = 0; i < 300; ++i) {
    REQUIRE_OK(store->Set({.durability = Durability::kWritten}, "x" + std::to_string(i), "plum"));
  }

  std::atomic<int> errors{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers, others;
  for (int group = 0; group < kGroups; ++group) {
    writers.emplace_back([&, group] { WriteGroup(*store, group, errors); });
  }
  for (int reader = 0; reader < 2; ++reader) {
    others.emplace_back([&] {
      for (int turn = 0; !stop; ++turn) CheckGroup(*store, turn % kGroups, errors);
    });
  }
  others.emplace_back([&] {
    while (!stop) {
      if (!store->DefineSpace(TextSpace("x")).ok()) ++errors;
      SearchOptions search;
      search.prefix = "x";
      const auto found = store->Search(search, "plums");
      if (!found.ok() || found->total != 300) ++errors;
      if (!store->DropSpace("x").ok()) ++errors;
    }
  });
  for (std::thread& writer : writers) writer.join();
  stop = true;
  for (std::thread& other : others) other.join();
  CHECK(errors == 0);
  CheckVerifies(*store);
  CHECK(store->Stats().spaces[0].documents == kGroups * kMembers);
}

}  // namespace
}  // namespace libkv
