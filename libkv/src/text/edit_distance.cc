#include "text/edit_distance.h"

#include <algorithm>

#include "base/utf8.h"

namespace libkv {
namespace {

std::u32string Decode(std::string_view text) {
  std::u32string characters;
  while (!text.empty()) {
    const DecodedCharacter c = DecodeCharacter(text);
    characters += c.code;
    text.remove_prefix(c.bytes);
  }
  return characters;
}

}  // namespace

EditDistance::EditDistance(std::string_view word, uint32_t edits_max)
    : word_(Decode(word)), edits_max_(edits_max), columns_(word_.size() + 1) {
  rows_.resize(columns_);
  for (size_t j = 0; j < columns_; ++j) rows_[j] = static_cast<Cell>(std::min<size_t>(j, kCellMax));
  least_.push_back(0);
  ends_.push_back(0);
}

std::optional<uint32_t> EditDistance::To(std::string_view other) {
  // Steps: 1. keep the rows of the common beginning; 2. is it out already? 3. add rows.
  const auto [same, unused] = std::mismatch(last_.begin(), last_.end(), other.begin(), other.end());
  const auto common = static_cast<size_t>(same - last_.begin());
  size_t depth = read_.size();
  while (ends_[depth] > common) --depth;
  // A swap reaches over one row: two in a row must be above the bound.
  const auto is_out = [this](size_t d) {
    if (least_[d] <= edits_max_ || (d > 0 && least_[d - 1] < edits_max_)) return false;
    out_bytes_ = ends_[d];
    return true;
  };
  out_bytes_ = 0;
  if (is_out(depth)) return std::nullopt;

  const size_t kept = ends_[depth];
  read_.resize(depth);
  ends_.resize(depth + 1);
  least_.resize(depth + 1);
  last_.resize(kept);
  for (std::string_view rest = other.substr(kept); !rest.empty();) {
    const bool is_ascii = static_cast<unsigned char>(rest[0]) < 0x80;
    const DecodedCharacter c = is_ascii
                                   ? DecodedCharacter{.code = static_cast<unsigned char>(rest[0])}
                                   : DecodeCharacter(rest);
    read_.push_back(c.code);
    last_.append(rest.substr(0, c.bytes));
    ends_.push_back(last_.size());
    rest.remove_prefix(c.bytes);
    ++depth;
    if (rows_.size() < (depth + 1) * columns_) rows_.resize((depth + 1) * columns_);
    least_.push_back(FillRow(depth, c.code));
    if (is_out(depth)) return std::nullopt;
  }
  if (columns_ - 1 > depth + edits_max_) return std::nullopt;  // not filled
  const uint32_t edits = row(depth)[columns_ - 1];
  if (edits > edits_max_) return std::nullopt;
  return edits;
}

// Cells at most edits_max_ from the diagonal, and beside them such as are above any bound: those
// are what the next two rows read.
EditDistance::Cell EditDistance::FillRow(size_t depth, char32_t c) {
  const Cell* const above = row(depth - 1);
  const Cell* const above2 = depth >= 2 ? row(depth - 2) : nullptr;
  Cell* const here = row(depth);
  const size_t end = std::min(columns_, depth + edits_max_ + 1);
  size_t j = depth <= edits_max_ ? 0 : depth - edits_max_;
  uint32_t least = kCellMax;
  if (j == 0) {
    here[0] = static_cast<Cell>(least = std::min<uint32_t>(static_cast<uint32_t>(depth), kCellMax));
    j = 1;
  } else if (j <= columns_) {
    here[j - 1] = kCellMax;
  }
  if (end < columns_) here[end] = kCellMax;
  for (; j < end; ++j) {
    uint32_t edits = above[j - 1] + uint32_t{word_[j - 1] != c};
    edits = std::min({edits, above[j] + 1U, here[j - 1] + 1U, kCellMax});
    if (above2 != nullptr && j >= 2 && word_[j - 2] == c && word_[j - 1] == read_[depth - 2]) {
      edits = std::min(edits, above2[j - 2] + 1U);
    }
    here[j] = static_cast<Cell>(edits);
    least = std::min(least, edits);
  }
  return static_cast<Cell>(least);
}

size_t CountCharacters(std::string_view word) { return Decode(word).size(); }

}  // namespace libkv
