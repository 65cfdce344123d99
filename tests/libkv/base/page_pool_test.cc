#include "base/page_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace libkv {
namespace {

TEST_CASE("pieces are zeros, do not overlap and stay as they are") {
  constexpr uint32_t kSeed = 9;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  PagePool pool;
  CHECK(pool.bytes() == 0);
  std::vector<std::pair<char*, size_t>> pieces;
  size_t taken = 0;
  for (int i = 0; i < 2'000; ++i) {
    const size_t bytes = 8 * (1 + random() % (i % 100 == 0 ? 100'000 : 200));
    char* const piece = pool.Take(bytes);
    REQUIRE(std::all_of(piece, piece + bytes, [](char c) { return c == 0; }));
    std::memset(piece, i % 251 + 1, bytes);
    pieces.emplace_back(piece, bytes);
    taken += bytes;
  }
  CHECK(pool.bytes() >= taken);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const auto [piece, bytes] = pieces[i];
    const char wanted = static_cast<char>(i % 251 + 1);
    CHECK(std::all_of(piece, piece + bytes, [&](char c) { return c == wanted; }));
  }
}

}  // namespace
}  // namespace libkv
