// 128 numbers with as many bits each as the greatest needs.
//
// Packed one after the other, a number begins where the one before ends, and each has to be shifted
// by itself. Dealt out to four lanes, as in format.md ("packed"), four numbers are always shifted
// alike: one vector instruction does it (Lemire and Boytsov, "Decoding billions of integers per
// second through vectorization", 2015: SIMD-BP128).
//
// Cost: about 30 ns to unpack 128 numbers, with or without their sums.
#ifndef LIBKV_SRC_SEGMENT_BIT_PACKING_H_
#define LIBKV_SRC_SEGMENT_BIT_PACKING_H_

#include <bit>
#include <cstddef>
#include <cstdint>

namespace libkv {

inline constexpr size_t kPackedNumbers = 128;
inline constexpr uint32_t kPackedBitsMax = 32;

constexpr size_t PackedBytes(uint32_t bits) { return kPackedNumbers / 8 * bits; }

// The bits that the greatest of kPackedNumbers `numbers` needs, 0 to 32.
inline uint32_t PackedBits(const uint32_t* numbers) {
  uint32_t all = 0;
  for (size_t i = 0; i < kPackedNumbers; ++i) all |= numbers[i];
  return static_cast<uint32_t>(std::bit_width(all));
}

// Writes PackedBytes(bits) bytes. No number may have more than `bits` bits, and `bits` is at most
// kPackedBitsMax, here and below.
void Pack(const uint32_t* numbers, uint32_t bits, char* out);

// Reads PackedBytes(bits) bytes, any bytes. UnpackSums gives start + the first number, that + the
// second, and so on, modulo 2^32.
void Unpack(const char* in, uint32_t bits, uint32_t* numbers);
void UnpackSums(const char* in, uint32_t bits, uint32_t start, uint32_t* sums);

// The same without vector instructions: what other processors run, and tests compare with.
namespace portable {
void Pack(const uint32_t* numbers, uint32_t bits, char* out);
void Unpack(const char* in, uint32_t bits, uint32_t* numbers);
void UnpackSums(const char* in, uint32_t bits, uint32_t start, uint32_t* sums);
}  // namespace portable

}  // namespace libkv

#endif  // LIBKV_SRC_SEGMENT_BIT_PACKING_H_
