#include "index/delta.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "base/coding.h"
#include "text/length_norm.h"
#include "text/scoring.h"

namespace libkv {
namespace {

constexpr size_t kFirstBlockBytes = 16;
constexpr size_t kBlockBytesMax = 1 << 10;
constexpr size_t kPoolBytes = 256 << 10;
// What one more term costs besides its postings: the table's slot, the list.
constexpr size_t kTermBytes = sizeof(std::string) + 16 + sizeof(Delta::List);

// Reads a varint that the writer of this process wrote.
inline const char* LoadVarint(const char* in, uint32_t* v) {
  uint32_t byte = static_cast<uint8_t>(*in++);
  uint32_t result = byte & 0x7f;
  for (int shift = 7; byte >= 0x80; shift += 7) {
    byte = static_cast<uint8_t>(*in++);
    result |= (byte & 0x7f) << shift;
  }
  *v = result;
  return in;
}

// What was in the list when the cursor was made.
class DeltaCursor final : public PostingsCursor {
 public:
  explicit DeltaCursor(const Delta::List& list)
      : list_(list),
        cost_(list.count.load(std::memory_order_acquire)),
        end_document_(list.next_ordinal.load(std::memory_order_acquire)),
        block_(list.first.load(std::memory_order_acquire)),
        bounded_(block_) {
    if (cost_ != 0) Enter(block_);
    LoadBlock(0);
    EnterBlock();
  }

  uint32_t cost() const override { return cost_; }

  void Positions(std::vector<uint32_t>* positions) override {
    positions->clear();
    const std::string_view bytes = positions_[at_];
    uint32_t position = 0;
    for (const char* in = bytes.data(); in != bytes.data() + bytes.size();) {
      uint32_t difference = 0;
      in = LoadVarint(in, &difference);
      position += difference;
      positions->push_back(position);
    }
  }

  uint32_t BoundsFrom(uint32_t target, ScoreBounds* bounds) override {
    if (cost_ == 0) return PostingsCursor::BoundsFrom(target, bounds);
    const Delta::Block* next = bounded_->next.load(std::memory_order_acquire);
    while (next != nullptr && next->from <= target) {
      bounded_ = next;
      next = bounded_->next.load(std::memory_order_acquire);
    }
    *bounds = bounded_->bounds.Load();
    return next != nullptr ? next->from - 1 : kNoDocument - 1;
  }
  ScoreBounds list_bounds() const override { return list_.bounds.Load(); }

 protected:
  void LoadBlock(uint32_t target) override {
    at_ = count_ = 0;
    has_frequencies_ = true;
    if (target >= end_document_) return;
    SkipBlocks(target);
    // The last one is there, behind what is read already.
    while (count_ < kPostingsBlock && next_ != end_document_) {
      while (in_ == end_) Enter(block_->next.load(std::memory_order_acquire));
      uint32_t difference = 0, frequency = 0, positions_bytes = 0;
      in_ = LoadVarint(in_, &difference);
      in_ = LoadVarint(in_, &frequency);
      in_ = LoadVarint(in_, &positions_bytes);
      const uint32_t document = next_ + difference;
      next_ = document + 1;
      documents_[count_] = document;
      frequencies_[count_] = frequency;
      positions_[count_] = {in_, positions_bytes};
      in_ += positions_bytes;
      count_ += document >= target;
    }
  }

 private:
  void Enter(const Delta::Block* block) {
    block_ = block;
    in_ = block_->data();
    // Holds all up to end_document_ that is in this block: that was published before it.
    end_ = in_ + block_->used.load(std::memory_order_acquire);
    next_ = block_->from;
  }

  void SkipBlocks(uint32_t target) {
    const Delta::Block* skipped = block_;
    for (const Delta::Block* next = block_;
         next != nullptr && (next == block_ || next->from <= target);
         next = next->next.load(std::memory_order_acquire)) {
      skipped = next;
    }
    if (skipped != block_) Enter(skipped);
  }

  const Delta::List& list_;
  const uint32_t cost_;
  const uint32_t end_document_;  // the last one + 1
  const Delta::Block* block_;
  const Delta::Block* bounded_;  // where BoundsFrom is
  const char* in_ = nullptr;
  const char* end_ = nullptr;
  uint32_t next_ = 0;  // the least document that in_ may be of
  std::array<std::string_view, kPostingsBlock> positions_;
};

// The documents that were there when it was made.
class AllCursor final : public PostingsCursor {
 public:
  explicit AllCursor(const DocumentTable& documents)
      : documents_table_(documents), end_(static_cast<uint32_t>(documents.size())) {
    frequencies_.fill(1);
    LoadBlock(0);
    EnterBlock();
  }
  void Positions(std::vector<uint32_t>* positions) override { positions->clear(); }
  uint32_t cost() const override { return end_; }

 protected:
  void LoadBlock(uint32_t target) override {
    at_ = count_ = 0;
    has_frequencies_ = true;
    for (; target < end_ && count_ < kPostingsBlock; ++target) {
      if (documents_table_[target].words != 0) documents_[count_++] = target;
    }
  }

 private:
  const DocumentTable& documents_table_;
  const uint32_t end_;
};

}  // namespace

void Delta::Add(uint32_t ordinal, const DerivedDocument& derived) {
  const uint8_t length_norm = EncodeLength(derived.words);
  const uint16_t cosine_code = EncodeCosineNorm(derived.cosine_norm);
  const float cosine_norm = DecodeCosineNorm(cosine_code);
  while (length_norms_.size() < ordinal) AppendNorms(0, 0);  // documents without words
  AppendNorms(length_norm, cosine_code);
  const std::lock_guard lock(mutex_);
  for (const DerivedDocument::Term& term : derived.terms) {
    List& list = ListOf(derived, term);
    const std::string_view positions = derived.positions(term);

    char head[3 * kVarintBytesMax];
    const uint32_t from = list.next_ordinal.load(std::memory_order_relaxed);
    char* end = StoreVarint(head, ordinal - from);
    end = StoreVarint(end, term.frequency);
    end = StoreVarint(end, positions.size());
    const auto head_bytes = static_cast<size_t>(end - head);

    char* const room = Room(list, head_bytes + positions.size(), from);
    std::memcpy(room, head, head_bytes);
    std::memcpy(room + head_bytes, positions.data(), positions.size());
    const auto bytes = static_cast<uint32_t>(head_bytes + positions.size());
    // The bounds first: whoever sees the posting sees them.
    const auto cosine = static_cast<float>(LogFrequency(term.frequency)) / cosine_norm;
    if (list.last->bounds.Add(term.frequency, length_norm, cosine)) {
      list.bounds.Add(term.frequency, length_norm, cosine);
    }
    list.last->used.store(list.last->used.load(std::memory_order_relaxed) + bytes,
                          std::memory_order_release);
    list.bytes += bytes;
    list.next_ordinal.store(ordinal + 1, std::memory_order_release);
    list.count.fetch_add(1, std::memory_order_release);
    for (uint32_t i = 0; i < term.spellings_count; ++i) {
      const DerivedDocument::Spelling& spelling = derived.spellings[term.spellings_begin + i];
      words_.Count(derived.spelling(spelling), spelling.hash, derived.term(term), &list.words);
    }
  }
}

void Delta::AppendNorms(uint8_t length, uint16_t cosine) {
  length_norms_.Append(length);
  cosine_norms_.Append(cosine);
}

void Delta::LengthNorms(std::span<const uint32_t> ordinals, uint8_t* norms) const {
  for (const uint32_t ordinal : ordinals) *norms++ = length_norms_[ordinal];
}

void Delta::CosineNorms(std::span<const uint32_t> ordinals, float* norms) const {
  for (const uint32_t ordinal : ordinals) *norms++ = DecodeCosineNorm(cosine_norms_[ordinal]);
}

Delta::List& Delta::ListOf(const DerivedDocument& derived, const DerivedDocument::Term& term) {
  const std::string_view text = derived.term(term);
  const auto found = ids_.find(text);
  if (found != ids_.end()) return lists_[found->second];
  ids_.emplace(text, static_cast<uint32_t>(lists_.size()));
  memory_bytes_.fetch_add(kTermBytes + text.size(), std::memory_order_relaxed);
  return lists_.Append();
}

char* Delta::Room(List& list, size_t bytes, uint32_t from) {
  if (list.last != nullptr) {
    const uint32_t used = list.last->used.load(std::memory_order_relaxed);
    if (list.last->capacity - used >= bytes) return list.last->data() + used;
  }
  const size_t wanted =
      std::clamp(std::bit_ceil(size_t{list.bytes}), kFirstBlockBytes, kBlockBytesMax);
  Block* const block = NewBlock(std::max(wanted, bytes), from);
  if (list.last == nullptr) {
    list.first.store(block, std::memory_order_release);
  } else {
    list.last->next.store(block, std::memory_order_release);
  }
  list.last = block;
  return block->data();
}

Delta::Block* Delta::NewBlock(size_t capacity, uint32_t from) {
  constexpr size_t kAlign = alignof(Block);
  const size_t bytes = (sizeof(Block) + capacity + kAlign - 1) / kAlign * kAlign;
  if (pool_left_ < bytes) {
    const size_t pool_bytes = std::max(bytes, kPoolBytes);
    pool_.push_back(std::make_unique_for_overwrite<char[]>(pool_bytes));
    pool_next_ = pool_.back().get();
    pool_left_ = pool_bytes;
    memory_bytes_.fetch_add(pool_bytes, std::memory_order_relaxed);
  }
  Block* const block = new (pool_next_) Block;
  block->capacity = static_cast<uint32_t>(bytes - sizeof(Block));
  block->from = from;
  pool_next_ += bytes;
  pool_left_ -= bytes;
  return block;
}

const Delta::List* Delta::Find(std::string_view term) const {
  const std::lock_guard lock(mutex_);
  const auto found = ids_.find(term);
  return found == ids_.end() ? nullptr : &lists_[found->second];
}

std::unique_ptr<PostingsCursor> Delta::Open(std::string_view term) const {
  const List* const list = Find(term);
  return list == nullptr ? nullptr : std::make_unique<DeltaCursor>(*list);
}

std::unique_ptr<PostingsCursor> Delta::OpenAll() const {
  return std::make_unique<AllCursor>(*documents_);
}

uint32_t Delta::DocumentFrequency(std::string_view term) const {
  const List* const list = Find(term);
  return list == nullptr ? 0 : list->count.load(std::memory_order_acquire);
}

std::vector<std::string> Delta::Terms() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> terms;
  terms.reserve(ids_.size());
  for (const auto& [term, id] : ids_) terms.push_back(term);
  return terms;
}

}  // namespace libkv
