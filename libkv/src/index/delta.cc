#include "index/delta.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/coding.h"

namespace libkv {
namespace {

constexpr size_t kFirstBlockBytes = 16;
constexpr size_t kBlockBytesMax = 4 << 10;
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

class DeltaCursor final : public PostingsCursor {
 public:
  explicit DeltaCursor(const Delta::List& list)
      : cost_(list.count.load(std::memory_order_acquire)),
        block_(list.first.load(std::memory_order_acquire)) {
    if (block_ != nullptr) EnterBlock();
    document_ = 0;
    Next();
  }

  uint32_t frequency() override { return frequency_; }
  uint32_t cost() const override { return cost_; }

  void Next() override {
    while (at_ == end_) {
      if (block_ == nullptr || !NextBlock()) {
        document_ = kNoDocument;
        return;
      }
    }
    uint32_t difference = 0, positions_bytes = 0;
    at_ = LoadVarint(at_, &difference);
    at_ = LoadVarint(at_, &frequency_);
    at_ = LoadVarint(at_, &positions_bytes);
    base_ += difference;
    document_ = base_;
    positions_ = {at_, positions_bytes};
    at_ += positions_bytes;
  }

  void SeekTo(uint32_t target) override {
    while (document_ < target) Next();
  }

  void Positions(std::vector<uint32_t>* positions) override {
    positions->clear();
    uint32_t position = 0;
    for (const char* in = positions_.data(); in != positions_.data() + positions_.size();) {
      uint32_t difference = 0;
      in = LoadVarint(in, &difference);
      position += difference;
      positions->push_back(position);
    }
  }

 private:
  void EnterBlock() {
    at_ = block_->data();
    end_ = at_ + block_->used.load(std::memory_order_acquire);
  }

  bool NextBlock() {
    // A block that has a successor is full: its last length was published before the successor.
    const Delta::Block* const next = block_->next.load(std::memory_order_acquire);
    const char* const end = block_->data() + block_->used.load(std::memory_order_acquire);
    if (end != end_) {
      end_ = end;
      return true;
    }
    if (next == nullptr) return false;
    block_ = next;
    EnterBlock();
    return true;
  }

  const uint32_t cost_;
  const Delta::Block* block_;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  uint32_t base_ = 0;
  uint32_t frequency_ = 0;
  std::string_view positions_;
};

// The documents that were there when it was made.
class AllCursor final : public PostingsCursor {
 public:
  explicit AllCursor(const DocumentTable& documents)
      : documents_(documents), end_(static_cast<uint32_t>(documents.size())) {
    FindFrom(0);
  }
  void Next() override { FindFrom(document_ + 1); }
  void SeekTo(uint32_t target) override {
    if (document_ < target) FindFrom(target);
  }
  uint32_t frequency() override { return 1; }
  void Positions(std::vector<uint32_t>* positions) override { positions->clear(); }
  uint32_t cost() const override { return end_; }

 private:
  void FindFrom(uint32_t document) {
    while (document < end_ && documents_[document].words == 0) ++document;
    document_ = document < end_ ? document : kNoDocument;
  }

  const DocumentTable& documents_;
  const uint32_t end_;
};

}  // namespace

void Delta::Add(uint32_t ordinal, const DerivedDocument& derived) {
  const std::lock_guard lock(mutex_);
  for (const DerivedDocument::Term& term : derived.terms) {
    List& list = ListOf(derived, term);
    const std::string_view positions = derived.positions(term);

    char head[3 * kVarintBytesMax];
    char* end = StoreVarint(head, ordinal - list.last_ordinal);
    end = StoreVarint(end, term.frequency);
    end = StoreVarint(end, positions.size());
    const auto head_bytes = static_cast<size_t>(end - head);

    char* const room = Room(list, head_bytes + positions.size());
    std::memcpy(room, head, head_bytes);
    std::memcpy(room + head_bytes, positions.data(), positions.size());
    const auto bytes = static_cast<uint32_t>(head_bytes + positions.size());
    list.last->used.store(list.last->used.load(std::memory_order_relaxed) + bytes,
                          std::memory_order_release);
    list.bytes += bytes;
    list.last_ordinal = ordinal;
    list.count.fetch_add(1, std::memory_order_release);
    for (uint32_t i = 0; i < term.spellings_count; ++i) {
      const DerivedDocument::Spelling& spelling = derived.spellings[term.spellings_begin + i];
      words_.Count(derived.spelling(spelling), spelling.hash, derived.term(term), &list.words);
    }
  }
}

Delta::List& Delta::ListOf(const DerivedDocument& derived, const DerivedDocument::Term& term) {
  const std::string_view text = derived.term(term);
  const auto found = ids_.find(text);
  if (found != ids_.end()) return lists_[found->second];
  ids_.emplace(text, static_cast<uint32_t>(lists_.size()));
  memory_bytes_.fetch_add(kTermBytes + text.size(), std::memory_order_relaxed);
  return lists_.Append();
}

char* Delta::Room(List& list, size_t bytes) {
  if (list.last != nullptr) {
    const uint32_t used = list.last->used.load(std::memory_order_relaxed);
    if (list.last->capacity - used >= bytes) return list.last->data() + used;
  }
  const size_t wanted =
      std::clamp(std::bit_ceil(size_t{list.bytes}), kFirstBlockBytes, kBlockBytesMax);
  Block* const block = NewBlock(std::max(wanted, bytes));
  if (list.last == nullptr) {
    list.first.store(block, std::memory_order_release);
  } else {
    list.last->next.store(block, std::memory_order_release);
  }
  list.last = block;
  return block->data();
}

Delta::Block* Delta::NewBlock(size_t capacity) {
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
