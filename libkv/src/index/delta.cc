#include "index/delta.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include "base/coding.h"
#include "base/hash.h"
#include "text/length_norm.h"
#include "text/scoring.h"

namespace libkv {
namespace {

constexpr size_t kFirstBlockBytes = 16;
constexpr size_t kBlockBytesMax = 1 << 10;
constexpr size_t kPoolBytes = 256 << 10;
// Terms whose memory is fetched together: as much as the processor's nearest cache holds.
constexpr size_t kTermsAtATime = 32;

// To where another block may begin.
constexpr size_t RoundUp(size_t bytes) {
  constexpr size_t kAlign = alignof(Delta::Block);
  return (bytes + kAlign - 1) / kAlign * kAlign;
}

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

// A term's list, its last block and the table's slot are anywhere in memory, and mostly in none of
// the processor's caches. So a document is walked over in stretches, and each stretch several
// times: every walk asks for the memory that the next one needs, and nobody waits for it term by
// term.
void Delta::Add(uint32_t ordinal, const DerivedDocument& derived) {
  const uint8_t length_norm = EncodeLength(derived.words);
  const uint16_t cosine_code = EncodeCosineNorm(derived.cosine_norm);
  const DocumentNorms norms{ordinal, length_norm, DecodeCosineNorm(cosine_code)};
  while (length_norms_.size() < ordinal) AppendNorms(0, 0);  // documents without words
  AppendNorms(length_norm, cosine_code);
  const std::lock_guard lock(mutex_);
  std::array<List*, kTermsAtATime> lists;
  for (std::span<const DerivedDocument::Term> rest = derived.terms; !rest.empty();) {
    const auto terms = rest.first(std::min(rest.size(), kTermsAtATime));
    rest = rest.subspan(terms.size());
    FindLists(derived, terms, lists);
    for (size_t i = 0; i < terms.size(); ++i) {
      AddPosting(*lists[i], terms[i], derived.positions(terms[i]), norms);
    }
    for (size_t i = 0; i < terms.size(); ++i) CountWords(*lists[i], derived, terms[i]);
  }
}

void Delta::FindLists(const DerivedDocument& derived, std::span<const DerivedDocument::Term> terms,
                      std::span<List*> lists) {
  std::array<uint32_t, kTermsAtATime> guesses;
  for (const DerivedDocument::Term& term : terms) ids_.Prefetch(term.hash);
  for (size_t i = 0; i < terms.size(); ++i) {
    guesses[i] = ids_.Guess(terms[i].hash);
    if (guesses[i] == TermTable::kNone) continue;
    const char* const list = reinterpret_cast<const char*>(&lists_[guesses[i]]);
    __builtin_prefetch(list);
    __builtin_prefetch(list + sizeof(List) - 1);
  }
  for (size_t i = 0; i < terms.size(); ++i) {
    if (guesses[i] == TermTable::kNone) continue;
    const List& list = lists_[guesses[i]];
    __builtin_prefetch(list.term.data());
    __builtin_prefetch(list.last);
  }
  for (size_t i = 0; i < terms.size(); ++i) {
    lists[i] = &ListOf(derived.term(terms[i]), terms[i].hash, guesses[i]);
    if (const Block* const block = lists[i]->last; block != nullptr) {
      __builtin_prefetch(block->data() + block->used.load(std::memory_order_relaxed), 1);
    }
  }
}

Delta::List& Delta::ListOf(std::string_view term, uint64_t hash, uint32_t guess) {
  if (guess != TermTable::kNone && lists_[guess].term == term) [[likely]]
    return lists_[guess];
  const uint32_t found = ids_.Find(hash, [&](uint32_t id) { return lists_[id].term == term; });
  if (found != TermTable::kNone) return lists_[found];
  const size_t before = ids_.memory_bytes();
  ids_.Add(hash, static_cast<uint32_t>(lists_.size()));
  memory_bytes_.fetch_add(sizeof(List) + ids_.memory_bytes() - before, std::memory_order_relaxed);
  char* const copy = FromPool(term.size());
  std::memcpy(copy, term.data(), term.size());
  return lists_.Append(std::string_view(copy, term.size()));
}

void Delta::AddPosting(List& list, const DerivedDocument::Term& term, std::string_view positions,
                       const DocumentNorms& norms) {
  char head[3 * kVarintBytesMax];
  const uint32_t from = list.next_ordinal.load(std::memory_order_relaxed);
  char* end = StoreVarint(head, norms.ordinal - from);
  end = StoreVarint(end, term.frequency);
  end = StoreVarint(end, positions.size());
  const auto head_bytes = static_cast<size_t>(end - head);

  char* const room = Room(list, head_bytes + positions.size(), from);
  std::memcpy(room, head, head_bytes);
  std::memcpy(room + head_bytes, positions.data(), positions.size());
  const auto bytes = static_cast<uint32_t>(head_bytes + positions.size());
  // The bounds first: whoever sees the posting sees them.
  const auto cosine = static_cast<float>(LogFrequency(term.frequency)) / norms.cosine;
  if (list.last->bounds.Add(term.frequency, norms.length, cosine)) {
    list.bounds.Add(term.frequency, norms.length, cosine);
  }
  list.last->used.store(list.last->used.load(std::memory_order_relaxed) + bytes,
                        std::memory_order_release);
  list.bytes += bytes;
  list.next_ordinal.store(norms.ordinal + 1, std::memory_order_release);
  // One thread adds: no need for the price of an atomic addition.
  list.count.store(list.count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

void Delta::CountWords(List& list, const DerivedDocument& derived,
                       const DerivedDocument::Term& term) {
  for (uint32_t i = 0; i < term.spellings_count; ++i) {
    const DerivedDocument::Spelling& spelling = derived.spellings[term.spellings_begin + i];
    words_.Count(derived.spelling(spelling), spelling.hash, derived.term(term), &list.words);
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
  const size_t bytes = RoundUp(sizeof(Block) + capacity);
  Block* const block = new (FromPool(bytes)) Block;
  block->capacity = static_cast<uint32_t>(bytes - sizeof(Block));
  block->from = from;
  return block;
}

char* Delta::FromPool(size_t bytes) {
  bytes = RoundUp(bytes);
  if (pool_left_ < bytes) {
    const size_t pool_bytes = std::max(bytes, kPoolBytes);
    pool_.push_back(std::make_unique_for_overwrite<char[]>(pool_bytes));
    pool_next_ = pool_.back().get();
    pool_left_ = pool_bytes;
    memory_bytes_.fetch_add(pool_bytes, std::memory_order_relaxed);
  }
  pool_left_ -= bytes;
  return std::exchange(pool_next_, pool_next_ + bytes);
}

const Delta::List* Delta::Find(std::string_view term) const {
  const std::lock_guard lock(mutex_);
  const uint32_t found =
      ids_.Find(Hash64(term), [&](uint32_t id) { return lists_[id].term == term; });
  return found == TermTable::kNone ? nullptr : &lists_[found];
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
  terms.reserve(lists_.size());
  for (size_t i = 0; i < lists_.size(); ++i) terms.emplace_back(lists_[i].term);
  return terms;
}

}  // namespace libkv
