#include "embed/hash_embedder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "embed/log_frequency.h"
#include "libkv/embedder.h"

namespace libkv {
namespace {

// The analyzers have the same list; this one must stay when theirs changes.
constexpr std::string_view kFrequentWords[] = {
    "a",   "an",    "and",  "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
    "in",  "into",  "is",   "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
    "the", "their", "then", "there", "these", "they", "this", "to",  "was", "will", "with"};
static_assert(std::size(kFrequentWords) == 33);

bool IsFrequent(std::string_view word) {
  return word.size() <= 5 &&
         std::binary_search(std::begin(kFrequentWords), std::end(kFrequentWords), word);
}

// What a byte contributes to a word: itself, in lower case; 0 ends the word.
constexpr std::array<char, 256> kWordBytes = [] {
  std::array<char, 256> bytes{};
  for (int c = 0x80; c < 0x100; ++c) bytes[c] = static_cast<char>(c);
  for (int c = 'a'; c <= 'z'; ++c) bytes[c] = bytes[c - 'a' + 'A'] = static_cast<char>(c);
  for (int c = '0'; c <= '9'; ++c) bytes[c] = static_cast<char>(c);
  return bytes;
}();

// The hashes of a text's features, in the order of the text, repeated as they are there.
class Features {
 public:
  explicit Features(std::string_view text) {
    std::string word = "^";  // and "$" at its end
    for (size_t at = 0; at <= text.size(); ++at) {
      const char c = at < text.size() ? kWordBytes[static_cast<uint8_t>(text[at])] : '\0';
      if (c != '\0') {
        word += c;
      } else if (word.size() > 1) {
        AddWord(&word);
        word.resize(1);
      }
    }
  }

  const std::vector<uint64_t>& words() const { return words_; }
  const std::vector<uint64_t>& grams() const { return grams_; }

 private:
  void AddWord(std::string* marked) {
    const std::string_view word = std::string_view(*marked).substr(1);
    if (IsFrequent(word)) return;
    words_.push_back(Hash64(word, kWordSeed));
    *marked += '$';
    AddGrams(*marked);
  }

  void AddGrams(std::string_view marked) {
    // Where the characters start, and where the last one ends.
    std::array<size_t, kHashWordCharactersMax + 3> starts;
    size_t count = 0, at = 0;
    while (at < marked.size() && count < starts.size() - 1) {
      starts[count++] = at;
      at += static_cast<uint8_t>(marked[at]) < 0x80 ? 1 : DecodeCharacter(marked.substr(at)).bytes;
    }
    starts[count] = at;
    for (size_t first = 0; first < count; ++first) {
      const size_t last = std::min(first + kGramCharactersMax, count);
      for (size_t end = first + kGramCharactersMin; end <= last; ++end) {
        grams_.push_back(
            Hash64(marked.substr(starts[first], starts[end] - starts[first]), kGramSeed));
      }
    }
  }

  std::vector<uint64_t> words_, grams_;
};

// Adds the features to `sums`, each once, with its damped frequency, in the order of their first
// occurrence: an order that is the text's alone, so that the sums round alike everywhere.
void AddFeatures(const std::vector<uint64_t>& hashes, double weight, std::span<double> sums) {
  struct Feature {
    uint64_t hash;
    uint32_t count;
  };
  std::vector<Feature> features;
  features.reserve(hashes.size());
  const size_t slot_count = std::bit_ceil(2 * hashes.size() + 1);
  std::vector<uint32_t> slots(slot_count);  // 0: free; else 1 + index into features
  for (const uint64_t hash : hashes) {
    // Bits that choose neither the sum nor the sign.
    size_t slot = (hash >> 20) & (slot_count - 1);
    while (slots[slot] != 0 && features[slots[slot] - 1].hash != hash) {
      slot = (slot + 1) & (slot_count - 1);
    }
    if (slots[slot] == 0) {
      features.push_back({hash, 0});
      slots[slot] = static_cast<uint32_t>(features.size());
    }
    ++features[slots[slot] - 1].count;
  }
  for (const Feature& feature : features) {
    const double value = weight * DampedFrequency(feature.count);
    sums[feature.hash % kHashDimension] += (feature.hash >> 63) != 0 ? value : -value;
  }
}

class HashEmbedder : public Embedder {
 public:
  std::string identity() const override { return "hash/1"; }
  size_t dimension() const override { return kHashDimension; }

  absl::Status Embed(EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    if (vectors.size() != texts.size() * kHashDimension) {
      return InvalidArgument("hash/1: room for ", vectors.size(), " floats, needed ",
                             texts.size() * kHashDimension);
    }
    for (size_t i = 0; i < texts.size(); ++i) {
      HashEmbed(texts[i], vectors.subspan(i * kHashDimension, kHashDimension));
    }
    return absl::OkStatus();
  }
};

}  // namespace

void HashEmbed(std::string_view text, std::span<float> vector) {
  const Features features(text.substr(0, kHashTextBytesMax));
  std::array<double, kHashDimension> sums{};
  AddFeatures(features.words(), kWordWeight, sums);
  AddFeatures(features.grams(), 1, sums);
  double squares = 0;
  for (const double sum : sums) squares += sum * sum;
  const double length = std::sqrt(squares);  // rounded correctly everywhere, unlike ln
  for (size_t i = 0; i < kHashDimension; ++i) {
    vector[i] = length > 0 ? static_cast<float>(sums[i] / length) : 0.0F;
  }
}

std::shared_ptr<const Embedder> MakeHashEmbedder() { return std::make_shared<HashEmbedder>(); }

}  // namespace libkv
