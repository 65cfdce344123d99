// A TermCache remembers the terms of words, because stemming a word costs ten times as much as
// finding it here. A hash picks the set of two slots a word may have; a newcomer takes the place of
// the one used longer ago, so memory is fixed and nothing is ever cleared or grown.
//
// A lookup must cost little more than the one line of memory it reads. So a word is compared as a
// few integers, its bytes filled up with zeros and its size in the last one, and a set of the words
// that texts are made of, those of up to 15 bytes, is exactly one line. Longer ones, up to 31
// bytes, have wider slots of their own.
#ifndef LIBKV_SRC_TEXT_TERM_CACHE_H_
#define LIBKV_SRC_TEXT_TERM_CACHE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "text/term.h"

namespace libkv {

// A thread has at most so many, each for another language.
inline constexpr size_t kTermCachesPerThread = 4;

// A term or word kept by value: it outlives the slot it was read from. Its bytes, zeros behind
// them, and in the last byte its size and flags.
template <size_t kWidth>
class CachedText {
 public:
  static constexpr size_t kBytesMax = kWidth - 1;
  static_assert(kBytesMax <= 63);  // two bits are left

  CachedText() = default;

  // `text` is of at most kBytesMax bytes; `room` is how many bytes may be read from its begin on.
  CachedText(std::string_view text, size_t room) {
    if (room >= kWidth) [[likely]] {
      // A copy of a size that is known here, and what is too much of it masked away, costs no call
      // and no branch on the size.
      std::memcpy(words_.data(), text.data(), kWidth);
      for (size_t i = 0; i < words_.size(); ++i) {
        const size_t kept = text.size() < 8 * i ? 0 : text.size() - 8 * i;
        words_[i] &= kept >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * kept)) - 1;
      }
    } else {
      std::memcpy(words_.data(), text.data(), text.size());
    }
    words_.back() |= uint64_t{text.size()} << kSizeShift;
  }

  bool operator==(const CachedText& other) const {
    uint64_t differences = 0;  // without a call or a branch for each
    for (size_t i = 0; i < words_.size(); ++i) differences |= words_[i] ^ other.words_[i];
    return differences == 0;
  }
  std::string_view view() const {
    return {reinterpret_cast<const char*>(words_.data()), words_.back() >> kSizeShift & 63};
  }
  uint64_t Hash() const {
    uint64_t hash = 0;
    for (const uint64_t word : words_) {
      hash = (hash ^ word) * 0x9E3779B97F4A7C15;
      hash ^= hash >> 32;
    }
    return hash;
  }

  // Two bits for whoever keeps it.
  bool flag(int i) const { return (words_.back() >> (63 - i) & 1) != 0; }
  void SetFlag(int i, bool on) {
    const uint64_t bit = uint64_t{1} << (63 - i);
    words_.back() = on ? words_.back() | bit : words_.back() & ~bit;
  }

 private:
  static constexpr int kSizeShift = 56;
  std::array<uint64_t, kWidth / 8> words_{};
};

// One width of words. kSets is a power of two.
template <size_t kWidth, size_t kSets>
class TermSets {
 public:
  using Text = CachedText<kWidth>;
  static constexpr size_t kWordBytesMax = Text::kBytesMax;
  static constexpr size_t kMemoryBytes = kSets * 2 * 3 * kWidth;

  struct Found {
    Text term;    // empty: the word is left out
    Text folded;  // set unless is_folded
    bool is_folded;
  };

  // At least `room` bytes may be read from the begin of `word` on. False: what `maker` makes of it
  // is too long to be kept.
  bool Find(TermMaker& maker, std::string_view word, size_t room, Found* found) {
    const Text text(word, room);
    const size_t set = text.Hash() % kSets;
    Slot* const slots = sets_[set].slots;
    const bool first_is_newer = slots[0].term.flag(kNewer);
    size_t way = slots[0].word == text ? 0 : 1;
    if (way == 1 && slots[1].word != text) {
      way = first_is_newer ? 1 : 0;
      if (!Fill(maker, word, text, slots[way], folded_[2 * set + way])) return false;
    }
    found->term = slots[way].term;
    found->is_folded = found->term.flag(kFolded);
    if (!found->is_folded) found->folded = folded_[2 * set + way];
    if (first_is_newer != (way == 0)) slots[0].term.SetFlag(kNewer, way == 0);
    return true;
  }

 private:
  static constexpr int kFolded = 0;  // the word is as folding makes it
  static constexpr int kNewer = 1;   // of the first slot: it was used last
  struct Slot {
    Text word;  // empty: nothing is here
    Text term;  // with the flags
  };
  struct alignas(4 * kWidth) Set {
    Slot slots[2];
  };
  static_assert(sizeof(Set) == 4 * kWidth);

  static bool Fill(TermMaker& maker, std::string_view word, const Text& text, Slot& slot,
                   Text& folded_slot) {
    std::string folded;
    const std::string term = maker.Make(word, &folded);
    if (term.size() > Text::kBytesMax || folded.size() > Text::kBytesMax) return false;
    const bool newer = slot.term.flag(kNewer);
    slot.word = text;
    slot.term = Text(term, term.size());
    slot.term.SetFlag(kNewer, newer);
    slot.term.SetFlag(kFolded, folded == word);
    if (folded != word) folded_slot = Text(folded, folded.size());
    return true;
  }

  const std::unique_ptr<Set[]> sets_ = std::make_unique<Set[]>(kSets);
  // Most words are folded as they stand: apart, these take no room in the processor's cache.
  const std::unique_ptr<Text[]> folded_ = std::make_unique<Text[]>(2 * kSets);
};

// Belongs to one thread. The sizes are parameters for the sake of tests.
template <size_t kShortSets, size_t kLongSets>
class BasicTermCache {
 public:
  using Short = TermSets<16, kShortSets>;
  using Long = TermSets<32, kLongSets>;
  static constexpr size_t kMemoryBytes = Short::kMemoryBytes + Long::kMemoryBytes;

  // Null: no language.
  explicit BasicTermCache(const Language* language) : maker_(language) {}

  // Makes what is too long to be kept.
  TermMaker& maker() { return maker_; }

  // Calls `sink` with the term of `word`, which is not empty, and the word folded; the term is
  // empty if the word is left out. The views live until `sink` returns, which may come back here.
  // At least `room` bytes, the word's own among them, may be read from the begin of `word` on.
  // False, without a call: the word or its term is too long to be kept; make it.
  template <typename Sink>
  bool Find(std::string_view word, size_t room, const Sink& sink) {
    if (word.size() <= Short::kWordBytesMax && FindIn(short_, word, room, sink)) [[likely]] {
      return true;
    }
    return word.size() <= Long::kWordBytesMax && FindIn(long_, word, room, sink);
  }

 private:
  template <typename Sets, typename Sink>
  bool FindIn(Sets& sets, std::string_view word, size_t room, const Sink& sink) {
    typename Sets::Found found;
    if (!sets.Find(maker_, word, room, &found)) return false;
    sink(found.term.view(), found.is_folded ? word : found.folded.view());
    return true;
  }

  TermMaker maker_;
  Short short_;
  Long long_;
};

// For English reviews four times as many slots as 16,384 save a third of Analyze, eight times as
// many another tenth.
using TermCache = BasicTermCache<32768, 2048>;
static_assert(TermCache::kMemoryBytes == (3 << 20) + (384 << 10));  // of each thread

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_TERM_CACHE_H_
