// What a search for nearest neighbours asks, and how deep it goes.
#ifndef LIBKV_SRC_STORE_NEAREST_H_
#define LIBKV_SRC_STORE_NEAREST_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "libkv/similar.h"

namespace libkv {

struct NearestQuery {
  std::span<const float> vector;  // checked
  size_t limit = 0;
  double recall_target = 1;
  bool is_exact = false;
  // With a filter besides visibility: about how many vectors pass it, at most.
  std::optional<uint64_t> filtered = {};
};

struct NearDocument {
  Neighbor neighbor;
  uint64_t document = 0;
};

struct SearchDepth {
  bool is_exact = true;
  uint64_t entries = 0;  // as in ListSearch
  double depth = std::numeric_limits<double>::infinity();
  uint64_t usual_entries = 0;
  size_t refined = 0;  // of the best to compare by their full vectors; 0: none
};

// Of a full vector that cannot be read, whose row is there, or not.
absl::Status LostVector(std::string_view key, bool is_there);

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_NEAREST_H_
