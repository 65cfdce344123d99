#include "vector/posting_list.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace libkv {
namespace {

// Fewer rows than this are cheaper as int8 codes alone: in memory, and hardly slower to scan.
constexpr size_t kOneBitRowsMin = 12;

size_t BlockRows(uint32_t number) {
  return number == kFlatList ? PostingList::kFlatBlockRows : kOneBitRows;
}

size_t CountAlive(std::span<const ListItem> items) {
  return static_cast<size_t>(std::count_if(
      items.begin(), items.end(), [](const ListItem& item) { return item.died == kAlive; }));
}

// The bytes that std::shared_ptr keeps beside a block, and its place in the vector.
constexpr size_t kPointerBytes = 24 + sizeof(EntryBlockPointer);

}  // namespace

PostingList::PostingList(uint32_t number, size_t padded, const CodeView& centroid, bool is_loaded,
                         ListStorage storage)
    : number_(number),
      padded_(padded),
      is_loaded_(is_loaded),
      storage_(number == kFlatList ? ListStorage::kCodes : storage),
      centroid_(centroid.code),
      centroid_values_(centroid.values.size()) {
  LIBKV_CHECK(centroid.values.size() == (number == kFlatList ? 0 : padded));
  // Codes never hold -128, but a damaged row can, and the kernels multiply by at most 127.
  for (size_t i = 0; i < centroid.values.size(); ++i) {
    centroid_values_[i] = std::max(centroid.values[i], int8_t{-127});
  }
}

PostingList::~PostingList() {
  for (std::atomic<EntryBlock*>& tail : tail_) delete tail.load(std::memory_order_relaxed);
}

std::shared_ptr<PostingList> PostingList::Build(uint32_t number, size_t padded,
                                                const CodeView& centroid,
                                                std::span<const ListItem> items,
                                                ListStorage storage) {
  const std::shared_ptr<PostingList> list(new PostingList(number, padded, centroid, true, storage));
  list->AddBlocks(items);
  list->live_.store(CountAlive(items), std::memory_order_relaxed);
  return list;
}

std::shared_ptr<PostingList> PostingList::Unloaded(uint32_t number, size_t padded,
                                                   const CodeView& centroid) {
  return std::shared_ptr<PostingList>(
      new PostingList(number, padded, centroid, false, ListStorage::kCodes));
}

void PostingList::AddBlocks(std::span<const ListItem> items) {
  const size_t block_rows = BlockRows(number_), before = blocks_.size();
  blocks_.reserve(blocks_.size() + (items.size() + block_rows - 1) / block_rows);
  block_rows_ += items.size();
  if (number_ == kFlatList) {
    for (; !items.empty(); items = items.subspan(std::min(block_rows, items.size()))) {
      const auto first = items.first(std::min(block_rows, items.size()));
      blocks_.push_back(EntryBlock::Fixed(padded_, nullptr, first));
    }
    return CountBytes(before);
  }
  const OneBitCentroid centroid(this->centroid());
  const size_t together_max = EntryBlock::TogetherMax(padded_);
  while (keeps_codes() && items.size() >= 2 * block_rows && together_max > 1) {
    const size_t count = std::min(items.size() / block_rows, together_max) * block_rows;
    for (EntryBlockPointer& block :
         EntryBlock::FixedTogether(padded_, centroid, items.first(count))) {
      blocks_.push_back(std::move(block));
    }
    items = items.subspan(count);
  }
  for (; !items.empty(); items = items.subspan(std::min(block_rows, items.size()))) {
    const auto first = items.first(std::min(block_rows, items.size()));
    const bool has_bits = !keeps_codes() || first.size() >= kOneBitRowsMin;
    blocks_.push_back(EntryBlock::Fixed(padded_, has_bits ? &centroid : nullptr, first, storage_));
  }
  CountBytes(before);
}

void PostingList::CountBytes(size_t first_block) {
  size_t bytes = 0;
  for (size_t i = first_block; i < blocks_.size(); ++i) bytes += blocks_[i]->memory_bytes();
  block_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

bool PostingList::Append(const ListItem& item) {
  LIBKV_CHECK(is_loaded_);
  if (!keeps_codes()) return false;
  for (size_t i = 0; i < tail_count(); ++i) {
    EntryBlock* block = tail_[i].load(std::memory_order_relaxed);
    if (block != nullptr && block->rows() == block->capacity()) continue;
    if (block == nullptr) {
      block = EntryBlock::Tail(padded_, tail_rows()).release();
      tail_[i].store(block, std::memory_order_release);
    }
    LIBKV_CHECK(block->Append(item));
    if (item.died == kAlive) live_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  return false;
}

std::shared_ptr<PostingList> PostingList::Grown(std::span<const ListItem> more,
                                                uint64_t settled) const {
  LIBKV_CHECK(is_loaded_);
  const std::shared_ptr<PostingList> list(
      new PostingList(number_, padded_, centroid(), true, storage_));
  std::vector<ListItem> items;
  size_t live = 0;
  const auto gather = [&](const EntryBlock& block) {
    for (size_t row = 0, rows = block.rows(); row < rows; ++row) {
      ListItem item = block.item(row);
      if (item.died <= settled) continue;
      if (item.born <= settled) item.born = 0;
      items.push_back(item);
    }
  };
  const size_t full = BlockRows(number_);
  for (const EntryBlockPointer& block : blocks_) {
    if (block->rows() < full) {
      gather(*block);
      continue;
    }
    list->blocks_.push_back(block);
    list->block_rows_ += block->rows();
    list->block_bytes_.fetch_add(block->memory_bytes(), std::memory_order_relaxed);
  }
  for (size_t i = 0; i < tail_count(); ++i) {
    if (const EntryBlock* block = tail(i)) gather(*block);
  }
  live = this->live() + CountAlive(more);
  items.insert(items.end(), more.begin(), more.end());
  list->AddBlocks(items);
  list->live_.store(live, std::memory_order_relaxed);
  return list;
}

bool PostingList::Kill(uint64_t document, uint64_t died) {
  const auto kill_in = [&](EntryBlock& block, bool is_fixed) {
    const size_t row = block.FindAlive(document);
    if (row == block.rows()) return false;
    const size_t before = is_fixed ? block.memory_bytes() : 0;
    block.Kill(row, died);
    if (is_fixed) block_bytes_.fetch_add(block.memory_bytes() - before, std::memory_order_relaxed);
    live_.fetch_sub(1, std::memory_order_relaxed);
    return true;
  };
  // The newest entries last: a document that was moved away and back is alive there.
  for (const EntryBlockPointer& block : blocks_) {
    if (kill_in(*block, /*is_fixed=*/true)) return true;
  }
  for (std::atomic<EntryBlock*>& tail : tail_) {
    EntryBlock* const block = tail.load(std::memory_order_relaxed);
    if (block != nullptr && kill_in(*block, /*is_fixed=*/false)) return true;
  }
  return false;
}

size_t PostingList::size() const {
  size_t rows = block_rows_;
  for (size_t i = 0; i < tail_count(); ++i) {
    if (const EntryBlock* block = tail(i)) rows += block->rows();
  }
  return rows;
}

size_t PostingList::loose() const {
  size_t rows = 0;
  for (size_t i = 0; i < tail_count(); ++i) {
    if (const EntryBlock* block = tail(i)) rows += block->rows();
  }
  return std::min(size(), rows + (size() - live()));
}

size_t PostingList::memory_bytes() const {
  size_t bytes = sizeof(PostingList) + centroid_values_.size() +
                 block_bytes_.load(std::memory_order_relaxed) + blocks_.size() * kPointerBytes;
  for (size_t i = 0; i < tail_count(); ++i) {
    if (const EntryBlock* block = tail(i)) bytes += block->memory_bytes();
  }
  return bytes;
}

void PostingList::ForEachBlock(absl::FunctionRef<void(const EntryBlock& block)> visit) const {
  for (const EntryBlockPointer& block : blocks_) visit(*block);
  for (size_t i = 0; i < tail_count(); ++i) {
    if (const EntryBlock* block = tail(i)) visit(*block);
  }
}

void PostingList::ForEach(absl::FunctionRef<void(const ListItem& item)> visit) const {
  ForEachBlock([&](const EntryBlock& block) {
    for (size_t row = 0, rows = block.rows(); row < rows; ++row) visit(block.item(row));
  });
}

}  // namespace libkv
