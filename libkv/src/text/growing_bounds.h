// The bounds of a list that one thread adds to while others read it: one word, replaced as a whole,
// so that a reader sees the bounds of some moment. They only ever grow looser.
//
//   word := cosine:16 (frequency:8 norm:8) * 3
//
//   cosine     the upper half of a float, rounded up
//   frequency  255 stands for any
#ifndef LIBKV_SRC_TEXT_GROWING_BOUNDS_H_
#define LIBKV_SRC_TEXT_GROWING_BOUNDS_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "text/postings.h"

namespace libkv {

// Threads    Add from one thread at a time, Load from any. What a thread saw published after an Add
//            is within the bounds it loads then.
class GrowingBounds {
 public:
  // False: nothing changed. `cosine` is at least 0.
  bool Add(uint32_t frequency, uint8_t length_norm, float cosine) {
    const uint64_t before = word_.load(std::memory_order_relaxed);
    uint64_t word = WithCosine(before, cosine);
    const Pair pair{static_cast<uint8_t>(frequency < kAnyFrequency ? frequency : kAnyFrequency),
                    length_norm};
    word = WithPair(word, pair);
    if (word == before) return false;
    word_.store(word, std::memory_order_release);
    return true;
  }

  // Nothing was added: no document is within the bounds.
  ScoreBounds Load() const {
    const uint64_t word = word_.load(std::memory_order_acquire);
    ScoreBounds bounds;
    bounds.cosine = std::bit_cast<float>(static_cast<uint32_t>(word >> 48) << 16);
    bounds.count = 0;
    for (size_t i = 0; i < kPairs; ++i) {
      const Pair pair = PairOf(word, i);
      if (pair.frequency == 0) continue;
      const uint32_t frequency = pair.frequency == kAnyFrequency ? UINT32_MAX : pair.frequency;
      bounds.impacts[bounds.count++] = {frequency, pair.norm};
    }
    return bounds;
  }

 private:
  static constexpr size_t kPairs = 3;
  static constexpr uint32_t kAnyFrequency = 255;
  struct Pair {
    uint8_t frequency = 0, norm = 0;  // frequency 0: unused
    bool Covers(Pair other) const { return frequency >= other.frequency && norm <= other.norm; }
  };

  static Pair PairOf(uint64_t word, size_t i) {
    return {static_cast<uint8_t>(word >> (16 * i + 8)), static_cast<uint8_t>(word >> (16 * i))};
  }
  static uint64_t WithCosine(uint64_t word, float cosine) {
    const uint32_t bits = std::bit_cast<uint32_t>(cosine);
    const uint64_t code = (bits >> 16) + ((bits & 0xffff) != 0 ? 1U : 0U);
    return code > word >> 48 ? (word << 16 >> 16) | code << 48 : word;
  }

  // Pairs that `added` covers go; if there is no room, it is joined with the one that thereby
  // changes least.
  static uint64_t WithPair(uint64_t word, Pair added) {
    std::array<Pair, kPairs + 1> pairs;
    size_t count = 0;
    for (size_t i = 0; i < kPairs; ++i) {
      const Pair pair = PairOf(word, i);
      if (pair.frequency == 0) continue;
      if (pair.Covers(added)) return word;
      if (!added.Covers(pair)) pairs[count++] = pair;
    }
    if (count == kPairs) {
      size_t nearest = 0;
      for (size_t i = 1; i < count; ++i) {
        if (Distance(pairs[i], added) < Distance(pairs[nearest], added)) nearest = i;
      }
      added = Join(std::exchange(pairs[nearest], pairs[--count]), added);
      // Joined, it may cover others too.
      size_t kept = 0;
      for (size_t i = 0; i < count; ++i) {
        if (!added.Covers(pairs[i])) pairs[kept++] = pairs[i];
      }
      count = kept;
    }
    pairs[count++] = added;
    word = word >> 48 << 48;
    for (size_t i = 0; i < count; ++i) {
      word |= (uint64_t{pairs[i].frequency} << 8 | pairs[i].norm) << (16 * i);
    }
    return word;
  }
  static Pair Join(Pair a, Pair b) {
    return {a.frequency > b.frequency ? a.frequency : b.frequency,
            a.norm < b.norm ? a.norm : b.norm};
  }
  static int Distance(Pair a, Pair b) {
    // Neither covers the other: one has the greater frequency, the other the lesser norm.
    const Pair joined = Join(a, b);
    return (joined.frequency - a.frequency) + (joined.frequency - b.frequency) +
           (a.norm - joined.norm) + (b.norm - joined.norm);
  }

  std::atomic<uint64_t> word_{0};
};

}  // namespace libkv

#endif  // LIBKV_SRC_TEXT_GROWING_BOUNDS_H_
