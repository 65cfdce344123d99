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
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libkv/options.h"

namespace libkv {

// Copies what it is given. Of several changes to one key the last one counts, but see SetExpiry.
// Not safe for use by two threads at once; may be reused after Clear.
class Batch {
 public:
  void Set(std::string_view key, std::string_view value, const SetOptions& options = {});
  void Delete(std::string_view key);

  // Gives the value of `key` another expiry time, in milliseconds since 1970, or none, and leaves
  // value, stamp, words and vector as they are. No such key: nothing happens. After a Set of the
  // same key in this batch it is the time of that value. A time in the past: the key is gone at
  // once. Not positive: Apply answers InvalidArgument. DataLoss: the stored value or its vector is
  // damaged; nothing was written.
  //
  // The value is the one that stands there at the commit, whoever wrote it, and is written again:
  // this costs two reads and a Set, and the bytes of value and stamp count for kBatchBytesMax. The
  // words are taken from the value again. The stored vector stays, and no embedder is asked; only
  // while a Reembed builds another generation its embedder is, and may fail the batch. The time
  // that is there already costs the reads alone.
  void SetExpiry(std::string_view key, std::optional<int64_t> expires_at);

  // Puts or deletes a row of the application: a named byte string beside the keys, in a name space
  // of its own, for what has to change together with values, such as a position in a log or what is
  // still to be sent. Rows never expire and are in no index; reads, iterators, searches and the
  // counts of Stats pass them by: see Store::GetRow. Of several changes to one row the last one
  // counts; deleting none is OK; a batch may have nothing but rows. Costs no read, only the bytes
  // that are written. Apply answers InvalidArgument for an empty name, one over kRowNameBytesMax, a
  // value over kValueBytesMax; both count for kBatchBytesMax.
  void PutRow(std::string_view name, std::string_view value);
  void DeleteRow(std::string_view name);

  void Clear();

  size_t count() const { return changes_.size(); }  // of keys
  size_t row_count() const { return row_changes_.size(); }
  size_t size_bytes() const { return bytes_.size(); }  // keys, values, stamps and rows

  // One change, as the store reads it. Views live until the batch changes.
  struct Change {
    bool is_delete = false;
    bool keeps_value = false;  // SetExpiry; expires_at is 0 for none
    std::string_view key;
    std::string_view value;
    std::chrono::milliseconds ttl{0};
    int64_t expires_at = 0;  // as in SetOptions
    std::span<const float> vector;
    std::string_view stamp;
  };
  Change change(size_t i) const;

  // One change of a row, likewise.
  struct RowChange {
    bool is_delete = false;
    std::string_view name;
    std::string_view value;
  };
  RowChange row_change(size_t i) const;

 private:
  struct Entry {
    bool is_delete = false;
    bool keeps_value = false;
    // The value follows the key, and the stamp the value.
    size_t key_begin = 0, key_bytes = 0, value_bytes = 0, stamp_bytes = 0;
    size_t vector_begin = 0, vector_count = 0;
    std::chrono::milliseconds ttl{0};
    int64_t expires_at = 0;
  };
  struct Row {
    bool is_delete = false;
    size_t name_begin = 0, name_bytes = 0, value_bytes = 0;  // the value follows the name
  };

  std::string bytes_;
  std::vector<float> floats_;
  std::vector<Entry> changes_;
  std::vector<Row> row_changes_;
};

}  // namespace libkv

#endif  // LIBKV_BATCH_H_
