#include "vector/entry_block.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "base/check.h"
#include "base/hash.h"
#include "vector/aligned_array.h"

namespace libkv {
namespace {

constexpr std::align_val_t kAlignment{kLineBytes};

size_t KeyBytes(std::span<const ListItem> items) {
  size_t bytes = 0;
  for (const ListItem& item : items) bytes += item.key.size();
  return bytes;
}

bool AreLong(size_t key_bytes) { return key_bytes > std::numeric_limits<uint16_t>::max(); }

bool AnyOf(std::span<const ListItem> items, bool (*holds)(const ListItem&)) {
  return std::any_of(items.begin(), items.end(), holds);
}

}  // namespace

EntryBlock::EntryBlock(size_t padded, size_t value_rows, size_t capacity, bool has_bits,
                       size_t key_bytes)
    : padded_(static_cast<uint32_t>(padded)),
      value_rows_(static_cast<uint16_t>(value_rows)),
      capacity_(static_cast<uint16_t>(capacity)),
      storage_(ListStorage::kCodes),
      has_long_keys_(AreLong(key_bytes)) {
  LIBKV_CHECK(padded > 0 && padded % 64 == 0 && value_rows <= kRowsMax && value_rows <= capacity);
  const size_t bits_bytes = has_bits ? OneBitBlockBytes(padded) + sizeof(OneBitFactors) : 0;
  const size_t values_bytes = value_rows * padded;
  const size_t beside_bytes = capacity * sizeof(float) + BesideBytes(value_rows, key_bytes);
  memory_ =
      static_cast<uint8_t*>(::operator new(values_bytes + bits_bytes + beside_bytes, kAlignment));
  values_ = reinterpret_cast<int8_t*>(memory_);
  uint8_t* const behind = memory_ + values_bytes;
  std::fill_n(behind, bits_bytes + beside_bytes, uint8_t{0});
  if (has_bits) bits_ = behind;
  norms2_ = reinterpret_cast<float*>(behind + bits_bytes);
  scales_ = norms2_ + capacity_;
}

EntryBlock::EntryBlock(size_t padded, size_t rows, ListStorage storage)
    : padded_(static_cast<uint32_t>(padded)),
      value_rows_(static_cast<uint16_t>(rows)),
      capacity_(kOneBitRows),
      storage_(storage),
      has_long_keys_(false) {
  LIBKV_CHECK(padded > 0 && padded % 64 == 0 && rows <= kOneBitRows);
  const size_t bits_bytes = OneBitBlockBytes(padded) + sizeof(OneBitFactors);
  const bool has_norms = storage == ListStorage::kBitsAndNorms;
  const size_t bytes = bits_bytes + (has_norms ? kOneBitRows * sizeof(float) : 0) +
                       rows * (sizeof(uint32_t) + sizeof(uint8_t));
  memory_ = static_cast<uint8_t*>(::operator new(bytes, kAlignment));
  std::fill_n(memory_, bytes, uint8_t{0});
  bits_ = memory_;
  if (has_norms) norms2_ = reinterpret_cast<float*>(memory_ + bits_bytes);
}

// Scales, documents, ends of keys, keys.
size_t EntryBlock::BesideBytes(size_t rows, size_t key_bytes) {
  return rows * (sizeof(float) + sizeof(uint32_t) + sizeof(uint8_t) +
                 KeyEndBytes(AreLong(key_bytes))) +
         key_bytes;
}

EntryBlock::~EntryBlock() {
  delete[] died_.load(std::memory_order_relaxed);
  ::operator delete(memory_, kAlignment);
}

EntryBlockPointer EntryBlock::Fixed(size_t padded, const OneBitCentroid* centroid,
                                    std::span<const ListItem> items, ListStorage storage) {
  const bool has_bits = centroid != nullptr;
  const bool keeps_codes = storage == ListStorage::kCodes;
  LIBKV_CHECK(!items.empty() && (!has_bits || items.size() <= kOneBitRows));
  LIBKV_CHECK(has_bits || keeps_codes);
  const size_t capacity = has_bits ? kOneBitRows : items.size();
  const EntryBlockPointer block(
      keeps_codes ? new EntryBlock(padded, items.size(), capacity, has_bits, KeyBytes(items))
                  : new EntryBlock(padded, items.size(), storage));
  block->Fill(centroid, items);
  return block;
}

void EntryBlock::Fill(const OneBitCentroid* centroid, std::span<const ListItem> items) {
  const bool has_born = AnyOf(items, [](const ListItem& item) { return item.born != 0; });
  const bool has_expiry = AnyOf(items, [](const ListItem& item) { return item.expiry != 0; });
  if (has_born || has_expiry) extra_ = std::make_unique<Extra>();
  if (has_born) extra_->born = std::make_unique<uint64_t[]>(items.size());
  if (has_expiry) extra_->expiry = std::make_unique<int64_t[]>(items.size());
  size_t offset = 0;
  for (size_t row = 0; row < items.size(); ++row) {
    const ListItem& item = items[row];
    Put(row, item);
    if (keeps_codes()) {
      std::copy(item.key.begin(), item.key.end(), keys() + offset);
      offset += item.key.size();
      SetKeyEnd(row, offset);
    }
    if (centroid == nullptr) continue;
    if (item.code.values.empty()) {
      CopyBits(*item.block, item.row, row);
    } else {
      centroid->Encode(item.code, row, bits_, const_cast<OneBitFactors*>(&factors()));
    }
  }
  if (bits_ != nullptr) PackBits(padded_, bits_);
  rows_.store(static_cast<uint32_t>(items.size()), std::memory_order_release);
}

namespace {

constexpr size_t kTogetherBytesMax = size_t{96} << 10;

size_t RoundUp(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

size_t ScannedBytes(size_t padded) {
  return OneBitBlockBytes(padded) + sizeof(OneBitFactors) + kOneBitRows * sizeof(float);
}

// headers | what is scanned of each | values of each | the rest of each
struct BlocksTogether {
  explicit BlocksTogether(size_t bytes)
      : memory(static_cast<uint8_t*>(::operator new(bytes, kAlignment))) {}
  ~BlocksTogether() {
    for (size_t i = 0; i < count; ++i) blocks()[i].~EntryBlock();
    ::operator delete(memory, kAlignment);
  }
  BlocksTogether(const BlocksTogether&) = delete;
  BlocksTogether& operator=(const BlocksTogether&) = delete;

  EntryBlock* blocks() const { return reinterpret_cast<EntryBlock*>(memory); }

  uint8_t* const memory;
  size_t count = 0;  // constructed
};

}  // namespace

EntryBlock::EntryBlock(size_t padded, uint8_t* scanned, uint8_t* values, uint8_t* beside,
                       bool has_long_keys)
    : padded_(static_cast<uint32_t>(padded)),
      value_rows_(kOneBitRows),
      capacity_(kOneBitRows),
      storage_(ListStorage::kCodes),
      has_long_keys_(has_long_keys),
      memory_(nullptr),
      values_(reinterpret_cast<int8_t*>(values)),
      bits_(scanned),
      scales_(reinterpret_cast<float*>(beside)),
      norms2_(
          reinterpret_cast<float*>(scanned + OneBitBlockBytes(padded) + sizeof(OneBitFactors))) {}

size_t EntryBlock::TogetherMax(size_t padded) {
  return std::max<size_t>(1, kTogetherBytesMax / (ScannedBytes(padded) + kOneBitRows * padded));
}

std::vector<EntryBlockPointer> EntryBlock::FixedTogether(size_t padded,
                                                         const OneBitCentroid& centroid,
                                                         std::span<const ListItem> items) {
  LIBKV_CHECK(!items.empty() && items.size() % kOneBitRows == 0);
  const size_t count = items.size() / kOneBitRows;
  const size_t headers = RoundUp(count * sizeof(EntryBlock), kLineBytes);
  const size_t scanned = ScannedBytes(padded), values = kOneBitRows * padded;
  const auto beside_bytes = [](size_t key_bytes) {
    return RoundUp(BesideBytes(kOneBitRows, key_bytes), sizeof(float));
  };
  size_t bytes = headers + count * (scanned + values);
  for (size_t i = 0; i < count; ++i) {
    bytes += beside_bytes(KeyBytes(items.subspan(i * kOneBitRows, kOneBitRows)));
  }
  const auto together = std::make_shared<BlocksTogether>(bytes);
  uint8_t* const first_scanned = together->memory + headers;
  uint8_t* const first_values = first_scanned + count * scanned;
  uint8_t* beside = first_values + count * values;
  std::fill_n(first_scanned, count * scanned, uint8_t{0});  // values are written in full
  std::fill(beside, together->memory + bytes, uint8_t{0});
  std::vector<EntryBlockPointer> blocks;
  blocks.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const auto these = items.subspan(i * kOneBitRows, kOneBitRows);
    const size_t key_bytes = KeyBytes(these);
    auto* const block = new (together->memory + i * sizeof(EntryBlock)) EntryBlock(
        padded, first_scanned + i * scanned, first_values + i * values, beside, AreLong(key_bytes));
    together->count = i + 1;
    block->Fill(&centroid, these);
    blocks.emplace_back(together, block);
    beside += beside_bytes(key_bytes);
  }
  return blocks;
}

std::unique_ptr<EntryBlock> EntryBlock::Tail(size_t padded, size_t rows) {
  std::unique_ptr<EntryBlock> block(new EntryBlock(padded, rows, rows, false, 0));
  block->extra_ = std::make_unique<Extra>();
  block->extra_->born = std::make_unique<uint64_t[]>(rows);
  block->extra_->expiry = std::make_unique<int64_t[]>(rows);
  block->extra_->keys = std::make_unique<std::string[]>(rows);
  return block;
}

bool EntryBlock::Append(const ListItem& item) {
  LIBKV_CHECK(extra_ != nullptr && extra_->keys != nullptr);
  const size_t row = rows();
  if (row == value_rows_) return false;
  extra_->keys[row] = item.key;
  Put(row, item);
  rows_.store(static_cast<uint32_t>(row + 1), std::memory_order_release);
  return true;
}

void EntryBlock::PutCode(size_t row, const ListItem& item) {
  if (norms2_ != nullptr) norms2_[row] = item.code.code.norm2;
  document_lows()[row] = static_cast<uint32_t>(item.document);
  document_highs()[row] = static_cast<uint8_t>(item.document >> 32);
  if (!keeps_codes()) return;
  LIBKV_CHECK(item.code.values.size() == padded_);
  std::copy(item.code.values.begin(), item.code.values.end(), values_ + row * padded_);
  scales_[row] = item.code.code.scale;
}

// The signs of a row are half a byte of every 16 (vector/one_bit.h); the block is still open.
void EntryBlock::CopyBits(const EntryBlock& from, size_t from_row, size_t row) {
  LIBKV_CHECK(from.padded_ == padded_ && from.bits_ != nullptr);
  const uint8_t* source = from.bits_ + from_row % 16;
  const int shift = from_row < 16 ? 0 : 4;
  uint8_t* target = bits_ + row;
  for (size_t octet = 0; octet < padded_ / 8; ++octet, source += 32, target += kOneBitRows) {
    const int low = source[0] >> shift & 15, high = source[16] >> shift & 15;
    *target = static_cast<uint8_t>(low | high << 4);
  }
  auto& factors = const_cast<OneBitFactors&>(this->factors());
  factors.constant[row] = from.factors().constant[from_row];
  factors.slope[row] = from.factors().slope[from_row];
  factors.spread[row] = from.factors().spread[from_row];
}

uint64_t EntryBlock::BitsHash(size_t row) const {
  std::string bytes;
  const int shift = row < 16 ? 0 : 4;
  for (size_t quad = 0; quad < padded_ / 4; ++quad) {
    bytes += static_cast<char>(bits_[quad * 16 + row % 16] >> shift & 15);
  }
  for (const float* factor : {factors().constant, factors().slope, factors().spread}) {
    bytes.append(reinterpret_cast<const char*>(factor + row), sizeof(float));
  }
  return Hash64(bytes);
}

void EntryBlock::Put(size_t row, const ListItem& item) {
  PutCode(row, item);
  if (item.born != 0) extra_->born[row] = item.born;
  if (item.expiry != 0) extra_->expiry[row] = item.expiry;
  if (item.died != kAlive) Kill(row, item.died);
}

void EntryBlock::Kill(size_t row, uint64_t died) {
  std::atomic<uint64_t>* array = died_.load(std::memory_order_relaxed);
  if (array != nullptr) {
    array[row].store(died, std::memory_order_release);
    return;
  }
  array = new std::atomic<uint64_t>[value_rows_];
  for (size_t i = 0; i < value_rows_; ++i) array[i].store(kAlive, std::memory_order_relaxed);
  array[row].store(died, std::memory_order_relaxed);
  died_.store(array, std::memory_order_release);
}

size_t EntryBlock::FindAlive(uint64_t document) const {
  const size_t count = rows();
  const std::atomic<uint64_t>* const died = died_.load(std::memory_order_relaxed);
  const uint32_t* const lows = document_lows();
  const uint8_t* const highs = document_highs();
  const auto low = static_cast<uint32_t>(document);
  for (size_t row = 0;; ++row) {
    row = static_cast<size_t>(std::find(lows + row, lows + count, low) - lows);
    if (row == count) return row;
    if (highs[row] != document >> 32) continue;
    if (died == nullptr || died[row].load(std::memory_order_relaxed) == kAlive) return row;
  }
}

size_t EntryBlock::memory_bytes() const {
  size_t bytes = sizeof(EntryBlock);
  if (keeps_codes()) {
    const size_t key_bytes = value_rows_ == 0 ? 0 : KeyEnd(value_rows_ - 1);
    bytes += size_t{value_rows_} * padded_ + capacity_ * sizeof(float) +
             BesideBytes(value_rows_, key_bytes);
  } else {
    bytes += value_rows_ * (sizeof(uint32_t) + sizeof(uint8_t));
    if (norms2_ != nullptr) bytes += kOneBitRows * sizeof(float);
  }
  if (bits_ != nullptr) bytes += OneBitBlockBytes(padded_) + sizeof(OneBitFactors);
  if (died_.load(std::memory_order_relaxed) != nullptr) bytes += value_rows_ * sizeof(uint64_t);
  if (extra_ == nullptr) return bytes;
  bytes += sizeof(Extra);
  if (extra_->born != nullptr) bytes += value_rows_ * sizeof(uint64_t);
  if (extra_->expiry != nullptr) bytes += value_rows_ * sizeof(int64_t);
  if (extra_->keys != nullptr) {
    bytes += value_rows_ * sizeof(std::string);
    for (size_t row = 0; row < rows(); ++row) bytes += extra_->keys[row].size();
  }
  return bytes;
}

std::string_view EntryBlock::key(size_t row) const {
  if (extra_ != nullptr && extra_->keys != nullptr) return extra_->keys[row];
  if (!keeps_codes()) return {};
  const size_t begin = row == 0 ? 0 : KeyEnd(row - 1);
  return {keys() + begin, KeyEnd(row) - begin};
}

// The ends lie at any address.
size_t EntryBlock::KeyEnd(size_t row) const {
  const uint8_t* const at = key_ends() + row * KeyEndBytes(has_long_keys_);
  uint32_t end = 0;
  if (has_long_keys_) {
    std::memcpy(&end, at, sizeof end);
    return end;
  }
  uint16_t short_end = 0;
  std::memcpy(&short_end, at, sizeof short_end);
  return short_end;
}

void EntryBlock::SetKeyEnd(size_t row, size_t end) {
  uint8_t* const at = key_ends() + row * KeyEndBytes(has_long_keys_);
  if (has_long_keys_) {
    const auto number = static_cast<uint32_t>(end);
    std::memcpy(at, &number, sizeof number);
  } else {
    const auto number = static_cast<uint16_t>(end);
    std::memcpy(at, &number, sizeof number);
  }
}

bool EntryBlock::VisibleAt(size_t row, uint64_t sequence, int64_t now) const {
  const std::atomic<uint64_t>* const died = died_.load(std::memory_order_acquire);
  if (died != nullptr && sequence >= died[row].load(std::memory_order_acquire)) return false;
  if (extra_ == nullptr) return true;
  if (extra_->born != nullptr && extra_->born[row] > sequence) return false;
  if (extra_->expiry == nullptr || extra_->expiry[row] == 0) return true;
  return now < extra_->expiry[row];
}

ListItem EntryBlock::item(size_t row) const {
  ListItem item{.document = document(row), .key = key(row), .code = code(row)};
  if (!keeps_codes()) {
    item.block = this;
    item.row = row;
  }
  if (extra_ != nullptr && extra_->born != nullptr) item.born = extra_->born[row];
  if (extra_ != nullptr && extra_->expiry != nullptr) item.expiry = extra_->expiry[row];
  const std::atomic<uint64_t>* const died = died_.load(std::memory_order_acquire);
  if (died != nullptr) item.died = died[row].load(std::memory_order_acquire);
  return item;
}

}  // namespace libkv
