#include "embed/lsa_words.h"

#include "base/hash.h"

namespace libkv {
namespace {

constexpr size_t kFirstSlots = 256;

}  // namespace

const std::vector<LsaWord>& LsaWordCounter::Count(const Analyzer& analyzer, std::string_view text) {
  words_.clear();
  slots_.assign(kFirstSlots, 0);
  analyzer.Analyze(text.substr(0, kLsaTextBytesMax),
                   [this](const Token& token) { Add(Hash64(token.term, kLsaWordSeed)); });
  return words_;
}

void LsaWordCounter::Add(uint64_t hash) {
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  while (slots_[slot] != 0 && words_[slots_[slot] - 1].hash != hash) slot = (slot + 1) & mask;
  if (slots_[slot] != 0) {
    ++words_[slots_[slot] - 1].count;
    return;
  }
  words_.push_back({hash, 1});
  slots_[slot] = static_cast<uint32_t>(words_.size());
  if (words_.size() * 2 > slots_.size()) Grow();
}

void LsaWordCounter::Grow() {
  slots_.assign(slots_.size() * 2, 0);
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < words_.size(); ++i) {
    size_t slot = words_[i].hash & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<uint32_t>(i + 1);
  }
}

}  // namespace libkv
