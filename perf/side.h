// A Side is one of the two stores that a workload compares, behind one face, so that both pay for
// the same calls. A failure ends the process with a message: half a measurement is worth nothing.
//
// Threads    Any method, any thread.
#ifndef LIBKV_PERF_SIDE_H_
#define LIBKV_PERF_SIDE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libkv/store.h"

namespace libkv::perf {

class Side {
 public:
  virtual ~Side() = default;

  // `vector` may be empty; a side without vectors ignores it.
  virtual void Set(Durability durability, std::string_view key, std::string_view value,
                   std::span<const float> vector = {}) = 0;
  virtual void BulkSet(Durability durability, std::span<const KeyValue> items) = 0;
  virtual std::optional<std::string> Get(std::string_view key) = 0;
  virtual size_t MultiGet(std::span<const std::string_view> keys) = 0;  // how many were found
  virtual uint64_t IterateAll() = 0;                                    // keys seen, values read
  virtual void Flush() = 0;
  virtual uint64_t syncs() const = 0;  // log syncs since open
};

// How one side is opened.
struct Contestant {
  std::string name;
  std::function<std::unique_ptr<Side>(const std::string& directory)> open;
};

Contestant Libkv();
// A libkv store with one space over all keys: words, or vectors of this dimension.
Contestant LibkvWithText();
Contestant LibkvWithVectors(uint32_t dimension);
// A libkv store without indexes, named `plain`: what an index is measured against.
Contestant LibkvPlain();
Contestant RawRocksdb();

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SIDE_H_
