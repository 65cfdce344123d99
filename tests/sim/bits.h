// A set of small numbers, for the model of truth: places of writes in the list of their key.
#ifndef LIBKV_TESTS_SIM_BITS_H_
#define LIBKV_TESTS_SIM_BITS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvserver::sim {

class Bits {
 public:
  void Add(size_t n) {
    if (words_.size() <= n / 64) words_.resize(n / 64 + 1);
    words_[n / 64] |= uint64_t{1} << n % 64;
  }
  bool Has(size_t n) const { return n / 64 < words_.size() && (words_[n / 64] >> n % 64 & 1) != 0; }
  void AddAll(const Bits& other) {
    if (words_.size() < other.words_.size()) words_.resize(other.words_.size());
    for (size_t i = 0; i < other.words_.size(); ++i) words_[i] |= other.words_[i];
  }
  bool Meets(const Bits& other) const {
    for (size_t i = 0; i < words_.size() && i < other.words_.size(); ++i) {
      if ((words_[i] & other.words_[i]) != 0) return true;
    }
    return false;
  }

 private:
  std::vector<uint64_t> words_;
};

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_BITS_H_
