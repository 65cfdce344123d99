// What the committer remembers while it turns a group of requests into rows.
#ifndef LIBKV_SRC_STORE_COMMIT_TYPES_H_
#define LIBKV_SRC_STORE_COMMIT_TYPES_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "format/record.h"
#include "index/derived_document.h"
#include "index/index_rows.h"
#include "store/store_impl.h"

namespace libkv {

// A key as the requests before in this group leave it. Views belong to those requests.
struct Store::Impl::Pending {
  bool is_delete = false;
  RecordHeader header;
  std::string_view value;
  uint32_t list = 0;                      // of its vector
  uint32_t next_list = 0;                 // of the one in the next generation
  std::optional<PendingState> vector_is;  // still to be made
  const PendingChange* change = nullptr;  // null: value and vector are those on disk
};

// What stands under a key before a change.
struct Store::Impl::OldRecord {
  bool left_out = false;  // the change does not happen
  RecordHeader header;
  const ActiveSpace* space = nullptr;     // where its rows are; null: it has none
  DerivedDocument derived;                // its value and field rows, and the list of its vector
  uint32_t next_list = 0;                 // of the one in the next generation
  std::optional<PendingState> vector_is;  // still to be made
};

// What memory must be told when the batch is written.
struct Store::Impl::Publication {
  const ActiveSpace* old_space = nullptr;
  uint64_t old_document = 0;
  uint32_t old_list = 0;
  const ActiveSpace* space = nullptr;  // null: nothing new
  uint64_t document = 0;
  std::string_view key;
  int64_t expiry = 0;
  const DerivedDocument* derived = nullptr;
  // Pending rows that came and went.
  std::optional<PendingState> begins, ends;
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_COMMIT_TYPES_H_
