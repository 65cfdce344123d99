// Reads lists of vectors from their posting rows, one after the other. Lists that follow each other
// on disk are read by one cursor that goes on where it stands.
//
// Threads    Belongs to one.
// Errors     DataLoss: a row has a key that none can have, or a block of rows cannot be read. A row
//            that is damaged is left out: Verify names it.
#ifndef LIBKV_SRC_STORE_LIST_READER_H_
#define LIBKV_SRC_STORE_LIST_READER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "store/store_impl.h"

namespace libkv {

class Store::Impl::ListReader {
 public:
  using Lists = std::span<const std::shared_ptr<const PostingList>>;

  // For lists from `first` to `last`, as they are in `rows`, up to `last_document`; null: as they
  // are now. The store, the space and the snapshot must outlive this.
  ListReader(const Impl& store, const ActiveSpace& space, uint32_t first, uint32_t last,
             const EngineSnapshot* rows, uint64_t last_document, ListStorage storage);

  // The list of `unloaded`'s number and centroid, with its entries. Lists must come in ascending
  // order of their numbers.
  absl::StatusOr<std::shared_ptr<PostingList>> Read(const PostingList& unloaded);

 private:
  struct Row {
    uint64_t document = 0;
    size_t begin = 0, bytes = 0;  // in bytes_
    std::string key;              // only if the row has none
  };

  absl::Status ReadRows(std::string_view prefix);

  const Impl& store_;
  const ActiveSpace& space_;
  const EngineRead read_;
  const uint64_t last_document_;
  const ListStorage storage_;
  const std::unique_ptr<EngineCursor> cursor_;
  bool is_placed_ = false;  // the cursor

  // Of the list that is being read; kept for the sake of their memory.
  std::string bytes_;
  std::vector<Row> rows_;
  std::vector<ListItem> items_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_LIST_READER_H_
