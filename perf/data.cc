#include "data.h"

#include <cmath>
#include <cstring>
#include <map>
#include <random>

namespace libkv::perf {
namespace {

constexpr size_t kValuePoolBytes = size_t{4} << 20;
constexpr size_t kDocumentCount = 2'048;
constexpr size_t kVectorCount = 1'024;
constexpr size_t kWordCount = 20'000;

template <typename Set>
const Set& OneOf(size_t size) {
  static std::map<size_t, Set> sets;
  return sets.try_emplace(size, size).first->second;
}

void WriteHex(uint64_t number, char* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int i = 15; i >= 0; --i, number >>= 4) out[i] = kDigits[number & 15];
}

}  // namespace

uint64_t Mix(uint64_t n) {
  n += 0x9e3779b97f4a7c15;
  n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
  n = (n ^ n >> 27) * 0x94d049bb133111eb;
  return n ^ n >> 31;
}

// Mix is one-to-one, so two numbers of one space never share a key.
Key::Key(uint64_t space, uint64_t number) { WriteHex(Mix(space << 40 ^ number), bytes_.data()); }

Values::Values(size_t value_bytes) : value_bytes_(value_bytes) {
  pool_.resize(kValuePoolBytes + value_bytes);
  for (size_t i = 0; i + 8 <= pool_.size(); i += 8) {
    const uint64_t word = Mix(i);
    std::memcpy(pool_.data() + i, &word, sizeof word);
  }
}

void Values::Fill(uint64_t number, std::string* value) const {
  const size_t begin = Mix(number) % kValuePoolBytes;
  value->assign(pool_, begin, value_bytes_);
  std::memcpy(value->data(), &number, std::min(sizeof number, value_bytes_));
}

std::vector<std::string> InventWords(size_t count) {
  constexpr std::string_view kOnsets[] = {"b", "d", "f", "g", "k", "l",  "m",  "n",
                                          "p", "r", "s", "t", "v", "st", "tr", "pl"};
  constexpr std::string_view kVowels[] = {"a", "e", "i", "o", "u", "ai", "ea", "ou"};
  std::vector<std::string> words(count);
  for (size_t i = 0; i < words.size(); ++i) {
    uint64_t bits = Mix(i);
    // Frequent words are short.
    for (size_t left = i + 1; left > 0; left /= 26, bits >>= 7) {
      words[i] += kOnsets[bits & 15];
      words[i] += kVowels[bits >> 4 & 7];
    }
  }
  return words;
}

Documents::Documents(size_t document_bytes) {
  const std::vector<std::string> words = InventWords(kWordCount);
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> logarithm(0, std::log(static_cast<double>(kWordCount)));
  for (size_t i = 0; i < kDocumentCount; ++i) {
    std::string document(16, '0');
    while (document.size() < document_bytes) {
      document += ' ';
      document += words[static_cast<size_t>(std::exp(logarithm(random))) - 1];
    }
    pool_.push_back(std::move(document));
  }
}

void Documents::Fill(uint64_t number, std::string* document) const {
  *document = pool_[number % pool_.size()];
  WriteHex(number, document->data());
}

Vectors::Vectors(size_t dimension) : dimension_(dimension) {
  std::mt19937 random(6);
  std::normal_distribution<float> normal;
  pool_.resize(kVectorCount * dimension);
  for (float& x : pool_) x = normal(random);
}

std::span<const float> Vectors::Get(uint64_t number) const {
  return {pool_.data() + number % kVectorCount * dimension_, dimension_};
}

const Values& ValuesOf(size_t value_bytes) { return OneOf<Values>(value_bytes); }
const Documents& DocumentsOf(size_t document_bytes) { return OneOf<Documents>(document_bytes); }
const Vectors& VectorsOf(size_t dimension) { return OneOf<Vectors>(dimension); }

}  // namespace libkv::perf
