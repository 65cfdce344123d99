#include "store/list_reader.h"

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/index_rows.h"
#include "index/vector_rows.h"

namespace libkv {
namespace {

// Read from the file at once where lists follow each other: a system call for sixteen blocks.
constexpr size_t kReadAheadBytes = size_t{256} << 10;

}  // namespace

Store::Impl::ListReader::ListReader(const Impl& store, const ActiveSpace& space, uint32_t first,
                                    uint32_t last, const EngineSnapshot* rows,
                                    uint64_t last_document, ListStorage storage)
    : store_(store),
      space_(space),
      read_{.snapshot = rows, .fill_cache = false},
      last_document_(last_document),
      storage_(storage),
      cursor_(store.engine_->NewCursor(Family::kVectors,
                                       {.snapshot = rows,
                                        .fill_cache = false,
                                        .read_ahead_bytes = first < last ? kReadAheadBytes : 0},
                                       PostingPrefix(space.vectors_id(), first),
                                       PrefixEnd(PostingPrefix(space.vectors_id(), last)))) {}

absl::Status Store::Impl::ListReader::ReadRows(std::string_view prefix) {
  if (!is_placed_ || (cursor_->Valid() && cursor_->key() < prefix)) cursor_->Seek(prefix);
  is_placed_ = true;
  bytes_.clear();
  rows_.clear();
  for (; cursor_->Valid() && cursor_->key().starts_with(prefix); cursor_->Next()) {
    uint64_t document = 0;
    if (!ParseDocumentSuffix(cursor_->key().substr(prefix.size()), &document)) {
      return DataLoss("posting '", Printable(cursor_->key()), "' is damaged");
    }
    if (document > last_document_) break;
    rows_.push_back({document, bytes_.size(), cursor_->value().size(), {}});
    bytes_ += cursor_->value();
  }
  return cursor_->status();
}

absl::StatusOr<std::shared_ptr<PostingList>> Store::Impl::ListReader::Read(
    const PostingList& unloaded) {
  const size_t padded = space_.rotation()->padded();
  LIBKV_RETURN_IF_ERROR(ReadRows(PostingPrefix(space_.vectors_id(), unloaded.number())));
  items_.clear();
  for (Row& row : rows_) {
    const std::string_view bytes = std::string_view(bytes_).substr(row.begin, row.bytes);
    absl::StatusOr<Posting> posting = ParsePostingRow(bytes, padded);
    if (!posting.ok()) continue;  // Verify names it
    if (!posting->has_key) {
      bool found = false;
      LIBKV_RETURN_IF_ERROR(
          store_.ReadKeyOf(space_, read_, row.document, &row.key, &posting->expiry, &found));
      if (!found) continue;  // Verify names it
      posting->key = row.key;
    }
    items_.push_back({.document = row.document,
                      .key = posting->key,
                      .expiry = posting->expiry,
                      .code = posting->code});
  }
  return PostingList::Build(unloaded.number(), padded, unloaded.centroid(), items_, storage_);
}

}  // namespace libkv
