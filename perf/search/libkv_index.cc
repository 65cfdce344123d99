#include "search/libkv_index.h"

#include "harness.h"
#include "search/engine.h"

namespace libkv::perf {
namespace {

// Templates, because only in them may an expression be absent.
template <typename S>
constexpr bool kHasSegments = requires(S& store, std::string_view prefix) {
  store.SealIndex(prefix);
  store.MergeIndex(prefix);
};

template <typename S>
void Seal(S& store, std::string_view prefix) {
  if constexpr (kHasSegments<S>) Require(store.SealIndex(prefix));
}

template <typename S>
void Merge(S& store, std::string_view prefix) {
  if constexpr (kHasSegments<S>) Require(store.MergeIndex(prefix));
}

template <typename S>
int64_t Segments(const S& space) {
  if constexpr (requires { space.segments; }) {
    return static_cast<int64_t>(space.segments);
  } else {
    return -1;
  }
}

template <typename O>
bool SetParameters(double k1, double b, O* options) {
  if constexpr (requires { options->bm25_k1 = options->bm25_b; }) {
    using Number = decltype(options->bm25_k1);
    options->bm25_k1 = static_cast<Number>(k1);
    options->bm25_b = static_cast<Number>(b);
    return true;
  } else {
    return k1 == kBm25K1 && b == kBm25B;
  }
}

}  // namespace

bool HasSegments() { return kHasSegments<Store>; }
void SealIndex(Store& store, std::string_view prefix) { Seal(store, prefix); }
void MergeIndex(Store& store, std::string_view prefix) { Merge(store, prefix); }

int64_t SegmentCount(const SpaceStats& space) { return Segments(space); }

bool SetBm25(double k1, double b, SearchOptions* options) { return SetParameters(k1, b, options); }

std::unique_ptr<Store> OpenStore(const Options& options, const std::string& directory) {
  absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(options, directory);
  Require(store.status());
  return *std::move(store);
}

void Require(const absl::Status& status) {
  if (!status.ok()) Fail("libkv: " + status.ToString());
}

}  // namespace libkv::perf
