#include <vector>

#include "harness.h"
#include "libkv/store.h"
#include "side.h"

namespace libkv::perf {
namespace {

// The message of a status, whichever view type its library was built with.
std::string MessageOf(const absl::Status& status) { return status.ToString(); }

void Require(const absl::Status& status) {
  if (!status.ok()) Fail("libkv: " + MessageOf(status));
}

class LibkvSide final : public Side {
 public:
  LibkvSide(const Options& options, const std::string& directory)
      : has_vectors_(!options.spaces.empty() && options.spaces[0].vector_dimension > 0) {
    absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(options, directory);
    Require(store.status());
    store_ = *std::move(store);
  }

  void Set(Durability durability, std::string_view key, std::string_view value,
           std::span<const float> vector) override {
    SetOptions options;
    if (has_vectors_) options.vector = vector;
    Require(store_->Set({.durability = durability}, key, value, options));
  }

  void BulkSet(Durability durability, std::span<const KeyValue> items) override {
    Require(store_->BulkSet({.durability = durability}, items));
  }

  std::optional<std::string> Get(std::string_view key) override {
    absl::StatusOr<std::string> value = store_->Get({}, key);
    if (value.ok()) return *std::move(value);
    if (!absl::IsNotFound(value.status())) Require(value.status());
    return std::nullopt;
  }

  size_t MultiGet(std::span<const std::string_view> keys) override {
    size_t found = 0;
    for (const absl::StatusOr<std::string>& value : store_->MultiGet({}, keys)) {
      found += value.ok() ? 1 : 0;
    }
    return found;
  }

  uint64_t IterateAll() override {
    uint64_t keys = 0, bytes = 0;
    const std::unique_ptr<Iterator> it = store_->NewIterator({});
    for (it->SeekToFirst(); it->Valid(); it->Next(), ++keys) {
      bytes += it->key().size() + it->value().size();
    }
    Require(it->status());
    if (bytes < keys) Fail("libkv: an iterator saw empty keys");
    return keys;
  }

  void Flush() override { Require(store_->Flush()); }
  uint64_t syncs() const override { return store_->Stats().syncs; }

 private:
  const bool has_vectors_;
  std::unique_ptr<Store> store_;
};

Contestant Make(std::string name, const Options& options) {
  return {std::move(name), [options](const std::string& directory) {
            return std::make_unique<LibkvSide>(options, directory);
          }};
}

}  // namespace

Contestant Libkv() { return Make("libkv", {}); }
Contestant LibkvPlain() { return Make("plain", {}); }

Contestant LibkvWithText() {
  Options options;
  options.spaces.push_back({.prefix = "", .text = true});
  return Make("text", options);
}

Contestant LibkvWithVectors(uint32_t dimension) {
  Options options;
  options.spaces.push_back({.prefix = "", .vector_dimension = dimension});
  return Make("vectors", options);
}

}  // namespace libkv::perf
