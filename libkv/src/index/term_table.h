// The TermTable finds the number of a term by its hash: eight bytes a slot, so that a line of
// memory holds eight, and the terms themselves, which live elsewhere, are only looked at when 32
// bits of the hash agree.
//
// Threads    As a container of the standard library.
#ifndef LIBKV_SRC_INDEX_TERM_TABLE_H_
#define LIBKV_SRC_INDEX_TERM_TABLE_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "index/secret_factor.h"

namespace libkv {

class TermTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  size_t memory_bytes() const { return slots_.size() * sizeof(Slot); }

  // Fetches what Find will look at first.
  void Prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[SlotOf(TagOf(hash))]); }

  // The first number that may be the one of a term of this hash, or kNone.
  uint32_t Guess(uint64_t hash) const {
    return Find(hash, [](uint32_t) { return true; });
  }

  // The number of a term of this hash that `is_it` says is the one, or kNone.
  template <typename IsIt>
  uint32_t Find(uint64_t hash, const IsIt& is_it) const {
    const uint32_t tag = TagOf(hash);
    for (size_t at = SlotOf(tag); slots_[at].number != kNone; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].tag == tag && is_it(slots_[at].number)) return slots_[at].number;
    }
    return kNone;
  }

  // `number` is not kNone; that of a term which is not there.
  void Add(uint64_t hash, uint32_t number) {
    if (++count_ > slots_.size() / 2) Grow();
    Put({TagOf(hash), number});
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t number = kNone;
  };
  static constexpr size_t kFirstSlots = 64;

  uint32_t TagOf(uint64_t hash) const { return static_cast<uint32_t>((hash * secret_) >> 32); }
  // From the upper bits: a table of twice the size needs one more of the tag, nothing else.
  size_t SlotOf(uint32_t tag) const { return tag >> shift_; }

  void Put(Slot slot) {
    size_t at = SlotOf(slot.tag);
    while (slots_[at].number != kNone) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
  }

  void Grow() {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
    --shift_;
    for (const Slot& slot : old) {
      if (slot.number != kNone) Put(slot);
    }
  }

  const uint64_t secret_ = SecretFactor(this);
  int shift_ = 32 - std::countr_zero(kFirstSlots);
  size_t count_ = 0;
  std::vector<Slot> slots_ = std::vector<Slot>(kFirstSlots);
};

}  // namespace libkv

#endif  // LIBKV_SRC_INDEX_TERM_TABLE_H_
