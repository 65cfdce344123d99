// A TermCache remembers the terms of words, because stemming a word costs ten times as much as
// finding it here. A hash picks the one slot a word may have; a newcomer takes the place of what is
// there, so memory is fixed and nothing is ever cleared or grown.
#ifndef LIBKV_SRC_TEXT_TERM_CACHE_H_
#define LIBKV_SRC_TEXT_TERM_CACHE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "text/term.h"

namespace libkv {

// A term kept by value: it outlives the slot it was read from.
struct CachedTerm {
  static constexpr size_t kBytesMax = 31;
  uint8_t size = 0;  // 0: the word is left out
  char bytes[kBytesMax];

  std::string_view view() const { return {bytes, size}; }
};

// Belongs to one thread.
class TermCache {
 public:
  static constexpr size_t kSlotCount = 16384;  // of 64 bytes: 1 MiB
  static constexpr size_t kWordBytesMax = 31;

  explicit TermCache(const TermRules& rules) : rules_(rules) {}

  // The term of `word`, which must be of 1 to kWordBytesMax bytes. False: it is too long to be
  // kept; make it.
  bool Find(std::string_view word, CachedTerm* term) {
    Slot& slot = slots_[Hash64(word) % kSlotCount];
    if (slot.word_size != word.size() || std::memcmp(slot.word, word.data(), word.size()) != 0) {
      if (!Fill(slot, word)) return false;
    }
    *term = slot.term;
    return true;
  }

 private:
  struct Slot {
    uint8_t word_size = 0;  // 0: empty
    char word[kWordBytesMax];
    CachedTerm term;
  };
  static_assert(sizeof(Slot) == 64);

  bool Fill(Slot& slot, std::string_view word) {
    const std::string term = MakeTerm(rules_, word);
    if (term.size() > CachedTerm::kBytesMax) return false;
    slot.word_size = static_cast<uint8_t>(word.size());
    std::memcpy(slot.word, word.data(), word.size());
    slot.term.size = static_cast<uint8_t>(term.size());
    std::memcpy(slot.term.bytes, term.data(), term.size());
    return true;
  }

  const TermRules rules_;
  const std::unique_ptr<Slot[]> slots_ = std::make_unique<Slot[]>(kSlotCount);
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_TERM_CACHE_H_
