// Rows of the application: named byte strings that change in the batch of the values they belong
// to. They are in the family `default`, whose other rows are the store's own, and pass through
// nothing but the log: no index, no memory, no condition.
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/application_row.h"
#include "format/keys.h"
#include "store/commit_types.h"
#include "store/store_impl.h"

namespace libkv {

absl::Status Store::Impl::CheckRows(const Batch& batch) {
  for (size_t i = 0; i < batch.row_count(); ++i) {
    const Batch::RowChange row = batch.row_change(i);
    if (row.name.empty()) return InvalidArgument("the name of a row must not be empty");
    if (row.name.size() > kRowNameBytesMax) {
      return InvalidArgument("the name of a row has ", row.name.size(), " bytes; at most ",
                             kRowNameBytesMax, " are allowed");
    }
    if (row.value.size() > kValueBytesMax) {
      return InvalidArgument("row '", Printable(row.name), "' has ", row.value.size(),
                             " bytes; at most ", kValueBytesMax, " are allowed");
    }
  }
  return absl::OkStatus();
}

size_t Store::Impl::RowBytes(const Batch& batch) {
  size_t bytes = 0;
  for (size_t i = 0; i < batch.row_count(); ++i) {
    const Batch::RowChange row = batch.row_change(i);
    bytes += row.name.size() + row.value.size();
  }
  return bytes;
}

// On the leader's thread. Of two changes to one row in a batch of the engine the later one counts,
// and that is the order wanted, within a request and among those of a group.
void Store::Impl::AppendRows(const Batch& batch) {
  for (size_t i = 0; i < batch.row_count(); ++i) {
    const Batch::RowChange row = batch.row_change(i);
    const std::string row_key = ApplicationRowKey(row.name);
    if (row.is_delete) {
      batch_->Delete(Family::kDefault, row_key);
      continue;
    }
    record_buffer_.clear();
    AppendApplicationRow(record_buffer_, row_key, row.value);
    batch_->Put(Family::kDefault, row_key, record_buffer_);
  }
}

absl::StatusOr<std::string> Store::Impl::GetRow(const ReadOptions& read,
                                                std::string_view name) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  PinnedValue pinned;
  bool found = false;
  const std::string row_key = ApplicationRowKey(name);
  LIBKV_RETURN_IF_ERROR(engine_->Get(Family::kDefault, ReadFor(read), row_key, &pinned, &found));
  // The bare prefix is no row of the application's.
  if (!found || name.empty()) return absl::Status(absl::StatusCode::kNotFound, "");
  std::string_view value;
  LIBKV_RETURN_IF_ERROR(ReadApplicationRow(row_key, pinned.view(), &value));
  return std::string(value);
}

absl::Status Store::Impl::ForEachRow(
    const ReadOptions& read, std::string_view prefix,
    absl::FunctionRef<bool(std::string_view, std::string_view)> reader) const {
  LIBKV_RETURN_IF_ERROR(CheckUsable());
  const std::string first = ApplicationRowKey(prefix);
  const auto cursor = engine_->NewCursor(Family::kDefault, ReadFor(read), first, PrefixEnd(first));
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    const std::string_view name = cursor->key().substr(kApplicationRowPrefix.size());
    if (name.empty()) continue;
    std::string_view value;
    LIBKV_RETURN_IF_ERROR(ReadApplicationRow(cursor->key(), cursor->value(), &value));
    if (!reader(name, value)) return absl::OkStatus();
  }
  return cursor->status();
}

}  // namespace libkv
