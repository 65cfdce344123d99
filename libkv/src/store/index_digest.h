// Compares two large sets of entries, each with a name, without keeping either: what values ask for
// against what an index holds.
//
// Every entry is a number in the bucket of its name, added by one side and subtracted by the other;
// buckets that are not zero in the end hold a difference, and a second pass over those alone tells
// the names.
#ifndef LIBKV_SRC_STORE_INDEX_DIGEST_H_
#define LIBKV_SRC_STORE_INDEX_DIGEST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/strings.h"

namespace libkv {

class IndexDigest {
 public:
  enum class Side : uint8_t { kWanted, kFound };

  IndexDigest() : sums_(kBuckets), differs_(kBuckets) {}

  void Add(Side side, std::string_view name, std::string_view entry) {
    const uint64_t name_hash = Hash64(name);
    const size_t bucket = name_hash % kBuckets;
    const uint64_t number = Hash64(entry, name_hash);
    if (!is_second_pass_) {
      sums_[bucket] += side == Side::kWanted ? number : -number;
    } else if (differs_[bucket]) {
      by_name_[std::string(name)] += side == Side::kWanted ? number : -number;
    }
  }

  // After the first pass: whether there is any difference. If so everything is to be added again.
  bool Differs() {
    bool any = false;
    for (size_t i = 0; i < kBuckets; ++i) {
      differs_[i] = sums_[i] != 0;
      any = any || differs_[i];
    }
    is_second_pass_ = true;
    return any;
  }

  // After the second pass.
  std::vector<std::string> DifferingNames() const {
    std::vector<std::string> names;
    for (const auto& [name, sum] : by_name_) {
      if (sum != 0) names.push_back(name);
    }
    return names;
  }

 private:
  static constexpr size_t kBuckets = 1 << 16;
  std::vector<uint64_t> sums_;
  std::vector<bool> differs_;
  bool is_second_pass_ = false;
  StringMap<uint64_t> by_name_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_INDEX_DIGEST_H_
