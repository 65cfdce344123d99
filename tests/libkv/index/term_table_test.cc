#include "index/term_table.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace libkv {
namespace {

TEST_CASE("every term is found under its number, however many share a hash") {
  // Method: names with few hashes, all of 64 bits, against a vector.
  constexpr uint64_t kSeed = 47;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  for (const uint64_t hashes : {uint64_t{1}, uint64_t{40}, UINT64_MAX}) {
    CAPTURE(hashes);
    TermTable table;
    std::vector<uint64_t> hash_of;
    const auto find = [&](uint32_t number) {
      return table.Find(hash_of[number], [&](uint32_t at) { return at == number; });
    };
    for (uint32_t number = 0; number < 1000; ++number) {
      hash_of.push_back(random() % hashes);
      CHECK(find(number) == TermTable::kNone);
      table.Prefetch(hash_of[number]);
      table.Add(hash_of[number], number);
      CHECK(find(number) == number);
      const uint32_t guess = table.Guess(hash_of[number]);
      REQUIRE(guess <= number);
    }
    for (uint32_t number = 0; number < 1000; ++number) CHECK(find(number) == number);
    CHECK(table.Find(hash_of[0], [](uint32_t) { return false; }) == TermTable::kNone);
    CHECK(table.memory_bytes() >= 1000 * 8);
    CHECK(table.memory_bytes() <= 4 * 1000 * 8 + 1000);
  }
}

}  // namespace
}  // namespace libkv
