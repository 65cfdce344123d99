#include "segment/impact_frontier.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/coding.h"
#include "segment/little_endian.h"
#include "text/length_norm.h"

namespace libkv {
namespace {

// What a pair counts under BM25 (text/scoring.h) where documents have 256 words on average. Only
// the order of joining depends on it. Exact in every compiler: sums, products and quotients.
constexpr double kTypicalLength = 256;
double TypicalScore(uint32_t frequency, uint8_t norm) {
  const double tf = frequency;
  return tf / (tf + 0.375 + 1.125 * kLengths[norm] / kTypicalLength);
}

struct Pair {
  uint16_t frequency = 0;
  uint8_t norm = 0;
};

// By norm and by frequency ascending.
struct Pairs {
  std::array<Pair, 256> pairs;
  size_t count = 0;

  // Joins the two neighbours whose joining costs least: what it takes the frequency of one and the
  // norm of the other to count more than the better of them.
  void JoinTwo() {
    size_t cheapest = 0;
    double least = 2;
    for (size_t i = 0; i + 1 < count; ++i) {
      const Pair &a = pairs[i], &b = pairs[i + 1];
      const double cost =
          TypicalScore(b.frequency, a.norm) -
          std::max(TypicalScore(a.frequency, a.norm), TypicalScore(b.frequency, b.norm));
      if (cost >= least) continue;
      least = cost;
      cheapest = i;
    }
    pairs[cheapest].frequency = pairs[cheapest + 1].frequency;
    std::copy(pairs.begin() + static_cast<ptrdiff_t>(cheapest) + 2,
              pairs.begin() + static_cast<ptrdiff_t>(count),
              pairs.begin() + static_cast<ptrdiff_t>(cheapest) + 1);
    --count;
  }
};

Pairs FrontierOf(const std::array<uint16_t, 256>& frequencies,
                 const std::array<uint64_t, 4>& norms) {
  Pairs kept;
  uint16_t greatest = 0;
  for (size_t word = 0; word < norms.size(); ++word) {
    for (uint64_t bits = norms[word]; bits != 0; bits &= bits - 1) {
      const size_t norm = 64 * word + static_cast<size_t>(std::countr_zero(bits));
      if (frequencies[norm] <= greatest) continue;
      greatest = frequencies[norm];
      kept.pairs[kept.count++] = {greatest, static_cast<uint8_t>(norm)};
    }
  }
  while (kept.count > kStoredImpacts) kept.JoinTwo();
  return kept;
}

uint16_t CosineCode(double ratio) {
  const double units = std::ceil(ratio * kCosineUnits);
  return units < kStoredCosineMax ? static_cast<uint16_t>(units) : kStoredCosineMax;
}

float DecodeCosine(uint16_t code) {
  // The greatest there can be: 1 + ln(2^32) over a norm of 1.
  constexpr float kAny = 24;
  if (code == kStoredCosineMax) return kAny;
  // A little more than the fraction, so that rounding to a float does not fall below it.
  constexpr float kUnit = 1.0000005F / kCosineUnits;
  return static_cast<float>(code) * kUnit;
}

}  // namespace

void ImpactFrontier::Add(const ImpactFrontier& other) {
  for (size_t word = 0; word < norms_.size(); ++word) {
    for (uint64_t bits = other.norms_[word]; bits != 0; bits &= bits - 1) {
      const size_t norm = 64 * word + static_cast<size_t>(std::countr_zero(bits));
      AddImpact(other.frequencies_[norm], static_cast<uint8_t>(norm));
    }
  }
  ratio_ = std::max(ratio_, other.ratio_);
}

void ImpactFrontier::Clear() {
  for (size_t word = 0; word < norms_.size(); ++word) {
    for (uint64_t bits = norms_[word]; bits != 0; bits &= bits - 1) {
      frequencies_[64 * word + static_cast<size_t>(std::countr_zero(bits))] = 0;
    }
  }
  norms_ = {};
  ratio_ = 0;
}

void ImpactFrontier::Store(std::string& out) const {
  const Pairs kept = FrontierOf(frequencies_, norms_);
  char bytes[kBoundsBytes];
  StoreLittle16(bytes, CosineCode(ratio_));
  for (size_t i = 0; i < kStoredImpacts; ++i) {
    const Pair pair = kept.count == 0 ? Pair() : kept.pairs[std::min(i, kept.count - 1)];
    StoreLittle16(bytes + 2 + 3 * i, pair.frequency);
    bytes[4 + 3 * i] = static_cast<char>(pair.norm);
  }
  out.append(bytes, sizeof bytes);
}

ScoreBounds ImpactFrontier::bounds() const {
  std::string stored;
  Store(stored);
  return LoadBounds(stored.data());
}

ScoreBounds LoadBounds(const char* in) {
  static_assert(ScoreBounds::kImpactsMax >= kStoredImpacts);
  ScoreBounds bounds;
  bounds.cosine = DecodeCosine(LoadLittle16(in));
  bounds.count = 0;
  for (size_t i = 0; i < kStoredImpacts; ++i) {
    const uint16_t frequency = LoadLittle16(in + 2 + 3 * i);
    const Impact impact{frequency == kStoredFrequencyMax ? UINT32_MAX : frequency,
                        static_cast<uint8_t>(in[4 + 3 * i])};
    if (i > 0 && impact.frequency == bounds.impacts[bounds.count - 1].frequency) continue;
    bounds.impacts[bounds.count++] = impact;
  }
  return bounds;
}

}  // namespace libkv
