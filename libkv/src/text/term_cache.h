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

// A thread has at most so many, each for another language.
inline constexpr size_t kTermCachesPerThread = 8;

// A term or word kept by value: it outlives the slot it was read from.
struct CachedTerm {
  static constexpr size_t kBytesMax = 31;
  uint8_t size = 0;  // 0: the word is left out
  char bytes[kBytesMax];

  std::string_view view() const { return {bytes, size}; }
};

// Belongs to one thread.
class TermCache {
 public:
  static constexpr size_t kSlotCount = 16384;  // of 96 bytes in all: 1.5 MiB
  static constexpr size_t kWordBytesMax = 31;

  explicit TermCache(const Language* language) : maker_(language) {}

  // Makes what is too long to be kept.
  TermMaker& maker() { return maker_; }

  struct Found {
    CachedTerm term;
    CachedTerm folded;  // set unless is_folded
    bool is_folded;     // the word is already as folding makes it
  };

  // The term of `word`, which must be of 1 to kWordBytesMax bytes, and the word folded. False: it
  // is too long to be kept; make it.
  bool Find(std::string_view word, Found* found) {
    const size_t i = Hash64(word) % kSlotCount;
    Slot& slot = slots_[i];
    if ((slot.word_size & ~kFoldedFlag) != word.size() ||
        std::memcmp(slot.word, word.data(), word.size()) != 0) {
      if (!Fill(slot, folded_[i], word)) return false;
    }
    found->term = slot.term;
    found->is_folded = (slot.word_size & kFoldedFlag) != 0;
    if (!found->is_folded) found->folded = folded_[i];
    return true;
  }

 private:
  static constexpr uint8_t kFoldedFlag = 0x80;
  struct Slot {
    uint8_t word_size = 0;  // 0: empty; and kFoldedFlag
    char word[kWordBytesMax];
    CachedTerm term;
  };
  static_assert(sizeof(Slot) == 64);

  static void Store(std::string_view text, CachedTerm& to) {
    to.size = static_cast<uint8_t>(text.size());
    std::memcpy(to.bytes, text.data(), text.size());
  }

  bool Fill(Slot& slot, CachedTerm& folded_slot, std::string_view word) {
    std::string folded;
    const std::string term = maker_.Make(word, &folded);
    if (term.size() > CachedTerm::kBytesMax || folded.size() > CachedTerm::kBytesMax) return false;
    slot.word_size = static_cast<uint8_t>(word.size());
    std::memcpy(slot.word, word.data(), word.size());
    Store(term, slot.term);
    if (folded == word) {
      slot.word_size |= kFoldedFlag;
    } else {
      Store(folded, folded_slot);
    }
    return true;
  }

  TermMaker maker_;
  const std::unique_ptr<Slot[]> slots_ = std::make_unique<Slot[]>(kSlotCount);
  // Most words are folded as they stand: apart, these take no room in the processor's cache.
  const std::unique_ptr<CachedTerm[]> folded_ = std::make_unique<CachedTerm[]>(kSlotCount);
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_TERM_CACHE_H_
