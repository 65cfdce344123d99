#include "vector/code_set.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace libkv {
namespace {

// A code that knows its own slot, in every byte.
std::vector<int8_t> ValuesOf(size_t slot, size_t padded) {
  return std::vector<int8_t>(padded, static_cast<int8_t>(slot % 251 - 125));
}

bool IsWhole(const CodeSet& codes, uint32_t slot) {
  const CodeView view = codes.row(slot);
  const std::vector<int8_t> expected = ValuesOf(slot, codes.padded());
  return view.code.scale == static_cast<float>(slot) &&
         view.code.norm2 == static_cast<float>(slot) * static_cast<float>(slot) &&
         std::equal(expected.begin(), expected.end(), view.values.begin(), view.values.end());
}

uint32_t AppendSlot(CodeSet& codes, size_t slot) {
  const auto number = static_cast<float>(slot);
  return codes.Append({number, number * number}, ValuesOf(slot, codes.padded()));
}

TEST_CASE("codes are found in their slots, across chunks") {
  for (const size_t padded : {64, 192, 1'024}) {
    CodeSet codes(padded);
    CHECK(codes.size() == 0);
    CHECK(codes.memory_bytes() == 0);
    for (size_t slot = 0; slot < 3'000; ++slot) CHECK(AppendSlot(codes, slot) == slot);
    REQUIRE(codes.size() == 3'000);
    CHECK(codes.memory_bytes() == 3'000 * (padded + 12));
    for (uint32_t slot = 0; slot < 3'000; ++slot) CHECK(IsWhole(codes, slot));
  }
}

TEST_CASE("a block holds its rows side by side, aligned, with the norms beside them") {
  CodeSet codes(128);
  for (size_t slot = 0; slot < 1'300; ++slot) AppendSlot(codes, slot);
  for (size_t first = 0; first < codes.size(); first += CodeSet::kBlockRows) {
    const CodeSet::Block block = codes.block(first);
    CHECK(reinterpret_cast<uintptr_t>(block.values) % 64 == 0);
    const size_t rows = std::min(CodeSet::kBlockRows, codes.size() - first);
    for (size_t i = 0; i < rows; ++i) {
      const CodeView view = codes.row(static_cast<uint32_t>(first + i));
      CHECK(block.values + i * 128 == view.values.data());
      CHECK(block.scales[i] == view.code.scale);
      CHECK(block.norms2[i] == view.code.norm2);
      CHECK(block.norms[i] == static_cast<float>(first + i));
    }
  }
}

TEST_CASE("codes can be read while others are appended") {
  constexpr size_t kCount = 20'000;
  CodeSet codes(64);
  std::atomic<bool> is_wrong{false};
  std::thread reader([&] {
    for (size_t seen = 0; seen < kCount;) {
      seen = codes.size();
      for (size_t slot = seen > 50 ? seen - 50 : 0; slot < seen; ++slot) {
        if (!IsWhole(codes, static_cast<uint32_t>(slot))) is_wrong = true;
      }
    }
  });
  for (size_t slot = 0; slot < kCount; ++slot) AppendSlot(codes, slot);
  reader.join();
  CHECK_FALSE(is_wrong);
}

}  // namespace
}  // namespace libkv
