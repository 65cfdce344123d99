#include "segment/number_blocks.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace libkv {
namespace {

uint8_t WidthOf(uint64_t greatest) {
  if (greatest == 0) return 0;
  const auto bytes = static_cast<unsigned>(std::bit_width(greatest) + 7) / 8;
  return static_cast<uint8_t>(std::bit_ceil(bytes));
}

template <typename Number>
uint64_t Load(const uint8_t* in, size_t i) {
  Number number;
  std::memcpy(&number, in + i * sizeof number, sizeof number);
  return number;
}

template <typename Number>
void Append(std::vector<uint8_t>& out, uint64_t wide) {
  const auto number = static_cast<Number>(wide);
  const auto* const bytes = reinterpret_cast<const uint8_t*>(&number);
  out.insert(out.end(), bytes, bytes + sizeof number);
}

}  // namespace

void NumberBlocks::AppendBlock(std::span<const uint64_t> numbers) {
  if (numbers.empty()) return;
  const auto [least, greatest] = std::minmax_element(numbers.begin(), numbers.end());
  const uint8_t width = WidthOf(*greatest - *least);
  blocks_.push_back({.base = *least, .begin = differences_.size(), .width = width});
  for (const uint64_t number : numbers) {
    const uint64_t difference = number - *least;
    if (width == 1) Append<uint8_t>(differences_, difference);
    if (width == 2) Append<uint16_t>(differences_, difference);
    if (width == 4) Append<uint32_t>(differences_, difference);
    if (width == 8) Append<uint64_t>(differences_, difference);
  }
  size_ += numbers.size();
}

uint64_t NumberBlocks::Difference(const Block& block, size_t i) const {
  const uint8_t* const in = differences_.data() + block.begin;
  switch (block.width) {
    case 0:
      return 0;
    case 1:
      return in[i];
    case 2:
      return Load<uint16_t>(in, i);
    case 4:
      return Load<uint32_t>(in, i);
    default:
      return Load<uint64_t>(in, i);
  }
}

void NumberBlocks::ShrinkToFit() {
  blocks_.shrink_to_fit();
  differences_.shrink_to_fit();
}

}  // namespace libkv
