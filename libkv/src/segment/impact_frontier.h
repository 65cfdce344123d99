// Collects what a stretch of a list can count at most, from its postings.
//
// Of all (frequency, length norm) of the stretch only those matter that no other one beats in both:
// at most one for each norm. Where more than kStoredImpacts are left, neighbours are joined to what
// beats both, those first whose joining raises the bound least at a typical length.
//
// Cost: about 1 ns a posting and 0.1 us for Store.
#ifndef LIBKV_SRC_SEGMENT_IMPACT_FRONTIER_H_
#define LIBKV_SRC_SEGMENT_IMPACT_FRONTIER_H_

#include <array>
#include <cstdint>
#include <string>

#include "segment/segment_format.h"
#include "text/postings.h"

namespace libkv {

class ImpactFrontier {
 public:
  // `ratio` is LogFrequency(frequency) / CosineNorm(document).
  void Add(uint32_t frequency, uint8_t length_norm, double ratio) {
    AddImpact(
        frequency < kStoredFrequencyMax ? static_cast<uint16_t>(frequency) : kStoredFrequencyMax,
        length_norm);
    if (ratio > ratio_) ratio_ = ratio;
  }
  void Add(const ImpactFrontier& other);
  void Clear();

  // Appends `bounds` of the format page.
  void Store(std::string& out) const;
  ScoreBounds bounds() const;

 private:
  void AddImpact(uint16_t frequency, uint8_t length_norm) {
    uint16_t& greatest = frequencies_[length_norm];
    if (frequency <= greatest) return;
    greatest = frequency;
    norms_[length_norm / 64] |= uint64_t{1} << length_norm % 64;
  }

  std::array<uint16_t, 256> frequencies_{};  // by norm the greatest; 0: none
  std::array<uint64_t, 4> norms_{};          // a bit for each norm with one
  double ratio_ = 0;
};

// Reads kBoundsBytes.
ScoreBounds LoadBounds(const char* in);

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_IMPACT_FRONTIER_H_
