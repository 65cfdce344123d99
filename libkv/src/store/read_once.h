// Entries that are on disk, of one moment, each read once while there is room: the searches by
// which recall is measured ask for about the same at every depth that is tried.
//
// Threads    One.
#ifndef LIBKV_SRC_STORE_READ_ONCE_H_
#define LIBKV_SRC_STORE_READ_ONCE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "vector/list_search.h"

namespace libkv {

class ReadOnce final : public FarReader {
 public:
  static constexpr size_t kBytesMax = size_t{16} << 20;  // of what is kept

  // `rows` is asked for what is not kept, and must outlive this.
  explicit ReadOnce(FarReader* rows) : rows_(*rows) {}
  void Read(
      std::span<const FarEntry> entries,
      absl::FunctionRef<void(size_t i, const CodeView& code, std::string_view key)> take) override {
    missing_.clear();
    places_.clear();
    for (size_t i = 0; i < entries.size(); ++i) {
      const auto found = kept_.find(entries[i].document);
      if (found != kept_.end()) {
        take(i, {found->second.code, found->second.values}, found->second.key);
      } else {
        missing_.push_back(entries[i]);
        places_.push_back(i);
      }
    }
    if (missing_.empty()) return;
    rows_.Read(missing_, [&](size_t i, const CodeView& code, std::string_view key) {
      take(places_[i], code, key);
      if (bytes_ > kBytesMax) return;
      bytes_ += code.values.size() + key.size() + sizeof(Kept);
      kept_.try_emplace(
          missing_[i].document,
          Kept{code.code, {code.values.begin(), code.values.end()}, std::string(key)});
    });
  }

 private:
  struct Kept {
    Code code;
    std::vector<int8_t> values;
    std::string key;
  };
  FarReader& rows_;
  absl::flat_hash_map<uint64_t, Kept> kept_;  // by document
  size_t bytes_ = 0;
  std::vector<FarEntry> missing_;
  std::vector<size_t> places_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_READ_ONCE_H_
