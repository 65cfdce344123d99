// The bridge between std::string_view, which all our code speaks, and Abseil's own view, which in
// Debian's build is a different type; and hash tables that are looked up by a view.
#ifndef LIBKV_SRC_BASE_STRINGS_H_
#define LIBKV_SRC_BASE_STRINGS_H_

#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/hash.h"

namespace libkv {

inline absl::string_view ToAbsl(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view ToStd(absl::string_view s) { return {s.data(), s.size()}; }

// Joins pieces: strings, views and arithmetic types are written as they are.
template <typename... Pieces>
std::string Concat(const Pieces&... pieces) {
  std::string out;
  auto append = [&out](const auto& piece) {
    if constexpr (std::is_convertible_v<decltype(piece), std::string_view>) {
      out += std::string_view(piece);
    } else {
      out += std::to_string(piece);
    }
  };
  (append(pieces), ...);
  return out;
}

template <typename... Pieces>
absl::Status MakeStatus(absl::StatusCode code, const Pieces&... pieces) {
  return absl::Status(code, ToAbsl(Concat(pieces...)));
}
template <typename... Pieces>
absl::Status InvalidArgument(const Pieces&... pieces) {
  return MakeStatus(absl::StatusCode::kInvalidArgument, pieces...);
}
template <typename... Pieces>
absl::Status FailedPrecondition(const Pieces&... pieces) {
  return MakeStatus(absl::StatusCode::kFailedPrecondition, pieces...);
}
template <typename... Pieces>
absl::Status DataLoss(const Pieces&... pieces) {
  return MakeStatus(absl::StatusCode::kDataLoss, pieces...);
}

// `bytes` for a message: printable ASCII as it is, the rest as \xNN, cut at 64 bytes.
std::string Printable(std::string_view bytes);

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view s) const { return Hash64(s); }
};
struct StringEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};
template <typename Value>
using StringMap = absl::flat_hash_map<std::string, Value, StringHash, StringEqual>;
using StringSet = absl::flat_hash_set<std::string, StringHash, StringEqual>;
using StringViewSet = absl::flat_hash_set<std::string_view, StringHash, StringEqual>;

}  // namespace libkv

#endif  // LIBKV_SRC_BASE_STRINGS_H_
