// A Batch is a list of changes that happen together or not at all.
//
//   libkv::Batch batch;
//   batch.Set("user:1", "Ada");
//   batch.Delete("user:2");
//   absl::Status status = store->Apply({}, batch);
#ifndef LIBKV_BATCH_H_
#define LIBKV_BATCH_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "libkv/options.h"

namespace libkv {

// Copies what it is given. Of several changes to one key the last one counts. Not safe for use by
// two threads at once; may be reused after Clear.
class Batch {
 public:
  void Set(std::string_view key, std::string_view value, const SetOptions& options = {});
  void Delete(std::string_view key);
  void Clear();

  size_t count() const { return changes_.size(); }
  size_t size_bytes() const { return bytes_.size(); }  // keys and values

  // One change, as the store reads it. Views live until the batch changes.
  struct Change {
    bool is_delete = false;
    std::string_view key;
    std::string_view value;
    std::chrono::milliseconds ttl{0};
    int64_t expires_at = 0;  // as in SetOptions
    std::span<const float> vector;
  };
  Change change(size_t i) const;

 private:
  struct Entry {
    bool is_delete = false;
    size_t key_begin = 0, key_bytes = 0, value_bytes = 0;  // the value follows the key
    size_t vector_begin = 0, vector_count = 0;
    std::chrono::milliseconds ttl{0};
    int64_t expires_at = 0;
  };

  std::string bytes_;
  std::vector<float> floats_;
  std::vector<Entry> changes_;
};

}  // namespace libkv

#endif  // LIBKV_BATCH_H_
