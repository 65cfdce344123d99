#include "segment/row_cache.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace libkv {
namespace {

std::string Value(int number, size_t bytes) {
  std::string value = std::to_string(number);
  value.resize(bytes, 'v');
  return value;
}

TEST_CASE("a row that was kept is found again, and outlives its place in the cache") {
  RowCache cache(64 << 10);
  CHECK(cache.Find("a") == nullptr);
  cache.Keep("a", "1");
  const auto row = cache.Find("a");
  REQUIRE(row != nullptr);
  CHECK(row->value() == "1");
  CHECK(cache.Find("b") == nullptr);
  for (int i = 0; i < 1'000; ++i) cache.Keep(std::to_string(i), Value(i, 500));
  CHECK(row->value() == "1");
}

TEST_CASE("what is remembered never takes more memory than was said") {
  // Method: far more rows than there is room for, of all sizes, also empty and too long ones; each
  // that is found has the value it was kept with.
  const auto seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  constexpr size_t kBytesMax = 100'000;
  RowCache cache(kBytesMax);
  const size_t empty = RowCache(0).memory_bytes();
  std::map<std::string, std::string> kept;
  size_t found = 0;
  for (int i = 0; i < 5'000; ++i) {
    const std::string name = std::to_string(random() % 3'000);
    const std::string value = Value(i, random() % (RowCache::kRowBytesMax + 100));
    if (const auto row = cache.Find(name); row != nullptr) {
      CHECK(row->value() == kept.at(name));
      ++found;
      continue;
    }
    cache.Keep(name, value);
    kept[name] = value;
    REQUIRE(cache.memory_bytes() <= empty + kBytesMax);
  }
  CHECK(found > 0);
}

TEST_CASE("a row that is asked for again and again stays") {
  RowCache cache(64 << 10);
  cache.Keep("often", "here");
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(cache.Find("often") != nullptr);
    cache.Keep(std::to_string(i), Value(i, 300));
  }
}

TEST_CASE("a cache without room keeps nothing") {
  RowCache cache(0);
  cache.Keep("a", "1");
  CHECK(cache.Find("a") == nullptr);
}

TEST_CASE("threads share a cache") {
  RowCache cache(32 << 10);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<uint32_t>(t));
      for (int i = 0; i < 5'000; ++i) {
        const int number = static_cast<int>(random() % 300);
        const std::string name = std::to_string(number);
        const auto row = cache.Find(name);
        if (row == nullptr) {
          cache.Keep(name, Value(number, 200));
        } else {
          wrong[t] += row->value() == Value(number, 200) ? 0 : 1;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) CHECK(count == 0);
}

}  // namespace
}  // namespace libkv
