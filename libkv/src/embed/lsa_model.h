// A model of "lsa/1": what is known of each word, as bytes and in memory. How texts are embedded
// with it: libkv/doc/embedders.md.
//
//   model    := "lsa1" axes:u16 text_count:u64 analyzer:bytes word_count:u32
//               hash:u64[word_count] word_texts:u32[word_count] scale:f32le[word_count]
//               values:int8[word_count * axes] checksum:u64
//   checksum := XXH3-64 of everything before it
//
// Hashes ascend. The word's place on axis j is scale * values[j].
#ifndef LIBKV_SRC_EMBED_LSA_MODEL_H_
#define LIBKV_SRC_EMBED_LSA_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace libkv {

inline constexpr size_t kLsaModelWordsMax = 1 << 20;
inline constexpr size_t kLsaModelAxesMax = 1024;

// How much a word of a text counts: ln((text_count + 1) / word_texts), the same bits everywhere.
double LsaWordWeight(uint64_t text_count, uint32_t word_texts);

// Writes models.
class LsaModelWriter {
 public:
  LsaModelWriter(size_t axes, uint64_t text_count, std::string_view analyzer);

  // Hashes must ascend. `place` has a float per axis; they are rounded to 8 bits here.
  void Add(uint64_t hash, uint32_t word_texts, std::span<const float> place);
  std::string Finish() &&;

 private:
  const size_t axes_;
  std::string bytes_, values_;  // the head, then all
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> word_texts_;
  std::vector<float> scales_;
};

// Reads them. Never changes after construction.
class LsaModel {
 public:
  // DataLoss: damaged bytes. FailedPrecondition: a later version.
  static absl::StatusOr<LsaModel> Read(std::string_view bytes);

  size_t axes() const { return axes_; }
  const std::string& analyzer() const { return analyzer_; }
  // "lsa/1:" and the XXH3-128 of the bytes.
  const std::string& identity() const { return identity_; }

  // The weight of a word, and where it lies: sums[j] += factor * weight * place[j]. A word that is
  // not known has the weight of one in no text, and no place.
  double AddTo(std::span<float> sums, uint64_t hash, double factor) const;

 private:
  LsaModel() = default;
  absl::Status ReadWords(uint64_t text_count, std::string_view hashes, std::string_view texts,
                         std::string_view scales);
  void MakeSlots();

  size_t axes_ = 0;
  std::string analyzer_, identity_;
  double unknown_weight_ = 0;
  std::vector<uint64_t> hashes_;
  std::vector<float> weights_, scales_;
  std::vector<int8_t> values_;
  std::vector<uint32_t> slots_;  // 0: free; else 1 + index of a word
};

}  // namespace libkv

#endif  // LIBKV_SRC_EMBED_LSA_MODEL_H_
