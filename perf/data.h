// The keys, values, documents and vectors of the workloads: the same for both sides, made before
// the clock starts, and cheap to take while it runs.
#ifndef LIBKV_PERF_DATA_H_
#define LIBKV_PERF_DATA_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace libkv::perf {

// SplitMix64: one well-mixed number for each input.
uint64_t Mix(uint64_t n);

// Sixteen bytes, another for each (space, number), in random order.
class Key {
 public:
  Key(uint64_t space, uint64_t number);
  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, 16> bytes_;
};

// Random bytes, which do not compress; value i begins with i, so that all differ.
class Values {
 public:
  explicit Values(size_t value_bytes);
  size_t value_bytes() const { return value_bytes_; }

  // Writes value `number` over `value`.
  void Fill(uint64_t number, std::string* value) const;

 private:
  const size_t value_bytes_;
  std::string pool_;
};

// `count` words of syllables: the n-th are the longer the greater n is, as in languages.
std::vector<std::string> InventWords(size_t count);

// English-like texts of about `document_bytes` from 20,000 invented words, the n-th of them n times
// rarer than the first; document i begins with a word of its own.
class Documents {
 public:
  explicit Documents(size_t document_bytes);
  void Fill(uint64_t number, std::string* document) const;

 private:
  std::vector<std::string> pool_;
};

// Normally distributed vectors.
class Vectors {
 public:
  explicit Vectors(size_t dimension);
  std::span<const float> Get(uint64_t number) const;

 private:
  const size_t dimension_;
  std::vector<float> pool_;
};

// The one set of each kind and size, made at the first call: ask in `prepare`, before the clock
// starts, and from one thread.
const Values& ValuesOf(size_t value_bytes);
const Documents& DocumentsOf(size_t document_bytes);
const Vectors& VectorsOf(size_t dimension);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_DATA_H_
