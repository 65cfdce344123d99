#include "embed/lsa_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "embed/hex_digits.h"
#include "embed/log_frequency.h"

namespace libkv {
namespace {

constexpr std::string_view kMagic = "lsa1";
constexpr std::string_view kMagicOfAnyVersion = "lsa";
constexpr size_t kChecksumBytes = 8;
constexpr size_t kAnalyzerBytesMax = 1024;

void AppendFloat(std::string* out, float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) *out += static_cast<char>(bits >> shift);
}

float LoadFloat(const char* in) {
  uint32_t bits = 0;
  for (int i = 0; i < 4; ++i) bits |= uint32_t{static_cast<uint8_t>(in[i])} << (8 * i);
  return std::bit_cast<float>(bits);
}

// Halves go up: the same everywhere, unlike what depends on the rounding mode.
int8_t RoundedByte(double value) {
  return static_cast<int8_t>(std::clamp(std::floor(value + 0.5), -127.0, 127.0));
}

// The bytes between the magic and the checksum.
absl::StatusOr<std::string_view> BodyOf(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) {
    if (!bytes.starts_with(kMagicOfAnyVersion)) return DataLoss("not an LSA model");
    return FailedPrecondition("an LSA model of a later version: a newer libkv is needed");
  }
  if (bytes.size() < kMagic.size() + kChecksumBytes) return DataLoss("an LSA model was cut off");
  const std::string_view checked = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (LoadFixed64(bytes.data() + checked.size()) != Hash64(checked)) {
    return DataLoss("an LSA model has a wrong checksum");
  }
  return checked.substr(kMagic.size());
}

}  // namespace

double LsaWordWeight(uint64_t text_count, uint32_t word_texts) {
  return NaturalLogarithm((static_cast<double>(text_count) + 1) / word_texts);
}

LsaModelWriter::LsaModelWriter(size_t axes, uint64_t text_count, std::string_view analyzer)
    : axes_(axes), bytes_(kMagic) {
  AppendFixed16(bytes_, static_cast<uint16_t>(axes));
  AppendFixed64(bytes_, text_count);
  AppendBytes(bytes_, analyzer);
}

void LsaModelWriter::Add(uint64_t hash, uint32_t word_texts, std::span<const float> place) {
  LIBKV_CHECK(place.size() == axes_);
  LIBKV_CHECK(hashes_.empty() || hashes_.back() < hash);
  float largest = 0;
  for (const float x : place) largest = std::max(largest, std::abs(x));
  const float scale = largest / 127;
  hashes_.push_back(hash);
  word_texts_.push_back(word_texts);
  scales_.push_back(scale);
  for (const float x : place) {
    const double steps = scale > 0 ? static_cast<double>(x) / static_cast<double>(scale) : 0;
    values_ += static_cast<char>(RoundedByte(steps));
  }
}

std::string LsaModelWriter::Finish() && {
  AppendFixed32(bytes_, static_cast<uint32_t>(hashes_.size()));
  for (const uint64_t hash : hashes_) AppendFixed64(bytes_, hash);
  for (const uint32_t texts : word_texts_) AppendFixed32(bytes_, texts);
  for (const float scale : scales_) AppendFloat(&bytes_, scale);
  bytes_ += values_;
  AppendFixed64(bytes_, Hash64(bytes_));
  return std::move(bytes_);
}

absl::StatusOr<LsaModel> LsaModel::Read(std::string_view bytes) {
  LIBKV_ASSIGN_OR_RETURN(const std::string_view body, BodyOf(bytes));
  Reader reader(body);
  uint16_t axes = 0;
  uint64_t text_count = 0;
  uint32_t word_count = 0;
  std::string_view analyzer, hashes, texts, scales, values;
  reader.Fixed16(&axes);
  reader.Fixed64(&text_count);
  reader.Bytes(&analyzer);
  reader.Fixed32(&word_count);
  if (!reader.ok() || axes == 0 || axes > kLsaModelAxesMax || word_count == 0 ||
      word_count > kLsaModelWordsMax || analyzer.size() > kAnalyzerBytesMax) {
    return DataLoss("an LSA model has a damaged head");
  }
  reader.Take(size_t{word_count} * 8, &hashes);
  reader.Take(size_t{word_count} * 4, &texts);
  reader.Take(size_t{word_count} * 4, &scales);
  reader.Take(size_t{word_count} * axes, &values);
  if (!reader.done()) return DataLoss("an LSA model has another size than its head says");

  LsaModel model;
  model.axes_ = axes;
  model.analyzer_ = analyzer;
  model.identity_ = Concat("lsa/1:", HexDigits(HashWide(bytes)));
  LIBKV_RETURN_IF_ERROR(model.ReadWords(text_count, hashes, texts, scales));
  model.values_.resize(values.size());
  std::memcpy(model.values_.data(), values.data(), values.size());
  model.MakeSlots();
  return model;
}

absl::Status LsaModel::ReadWords(uint64_t text_count, std::string_view hashes,
                                 std::string_view texts, std::string_view scales) {
  unknown_weight_ = LsaWordWeight(text_count, 1);
  for (size_t i = 0; i < hashes.size() / 8; ++i) {
    hashes_.push_back(LoadFixed64(hashes.data() + 8 * i));
    const uint32_t word_texts = LoadFixed32(texts.data() + 4 * i);
    scales_.push_back(LoadFloat(scales.data() + 4 * i));
    // A place is part of a vector of length 1: nothing that is added up can overflow.
    if (word_texts == 0 || word_texts > text_count || !(scales_[i] >= 0 && scales_[i] <= 1) ||
        (i > 0 && hashes_[i] <= hashes_[i - 1])) {
      return DataLoss("an LSA model has a damaged word: number ", i);
    }
    weights_.push_back(static_cast<float>(LsaWordWeight(text_count, word_texts)));
  }
  return absl::OkStatus();
}

void LsaModel::MakeSlots() {
  slots_.assign(std::bit_ceil(2 * hashes_.size() + 1), 0);
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < hashes_.size(); ++i) {
    size_t slot = hashes_[i] & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<uint32_t>(i + 1);
  }
}

double LsaModel::AddTo(std::span<float> sums, uint64_t hash, double factor) const {
  LIBKV_CHECK(sums.size() == axes_);
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  while (slots_[slot] != 0 && hashes_[slots_[slot] - 1] != hash) slot = (slot + 1) & mask;
  if (slots_[slot] == 0) return unknown_weight_;
  const size_t word = slots_[slot] - 1;
  const double weight = static_cast<double>(weights_[word]);
  const float step = static_cast<float>(factor * weight * static_cast<double>(scales_[word]));
  const int8_t* const values = values_.data() + word * axes_;
  for (size_t i = 0; i < sums.size(); ++i) sums[i] += step * static_cast<float>(values[i]);
  return weight;
}

}  // namespace libkv
