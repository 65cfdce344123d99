// The numbers of format.md, "segments".
#ifndef LIBKV_SRC_SEGMENT_SEGMENT_FORMAT_H_
#define LIBKV_SRC_SEGMENT_SEGMENT_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "text/postings.h"

namespace libkv {

inline constexpr uint32_t kDocumentsPerRow = 4'096;
inline constexpr uint32_t kKeysPerRow = 64;
inline constexpr uint32_t kKeysPerGroup = 16;
inline constexpr uint32_t kBlocksPerRow = 64;
inline constexpr uint32_t kWordsPerRow = 64;  // more where equal words would be parted
inline constexpr uint8_t kExpiryFlag = 0x01;

// A term with fewer documents than a block holds is short: one row has all of it.
inline constexpr uint32_t kShortTermMax = kPostingsBlock - 1;

// A row of positions is finished when it has so many bytes: it is read whole.
inline constexpr size_t kPositionRowBytes = 16 << 10;

inline constexpr size_t kStoredImpacts = 3;
inline constexpr uint16_t kStoredFrequencyMax = UINT16_MAX;  // stands for that many or more
inline constexpr uint32_t kCosineUnits = 65'000;             // stand for 1
inline constexpr uint16_t kStoredCosineMax = UINT16_MAX;     // stands for that much or more

inline constexpr size_t kBoundsBytes = 2 + 3 * kStoredImpacts;
inline constexpr size_t kSkipBytes = 4 + 4 + 4 + kBoundsBytes;

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_SEGMENT_FORMAT_H_
