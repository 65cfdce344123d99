#include "store/stored_entries.h"

#include <string>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "format/keys.h"
#include "index/vector_rows.h"

namespace libkv {

absl::Status Store::Impl::StoredEntries::ReadAll(
    std::span<const FarEntry> entries,
    absl::FunctionRef<void(size_t i, const CodeView& code, std::string_view key)> take) {
  std::vector<std::string> row_keys;
  row_keys.reserve(entries.size());
  for (const FarEntry& entry : entries) {
    row_keys.push_back(PostingKey(space_.vectors_id(), entry.list, entry.document));
  }
  const std::vector<std::string_view> views(row_keys.begin(), row_keys.end());
  std::vector<PinnedValue> rows(entries.size());
  const auto found = std::make_unique<bool[]>(entries.size());
  const EngineRead read{.snapshot = rows_};
  LIBKV_RETURN_IF_ERROR(
      store_.engine_->MultiGet(Family::kVectors, read, views, rows.data(), found.get()));
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!found[i]) {
      return DataLoss("row '", Printable(row_keys[i]),
                      "' of the vectors is missing: Reindex the space");
    }
    LIBKV_ASSIGN_OR_RETURN(Posting posting,
                           ParsePostingRow(rows[i].view(), space_.rotation()->padded()));
    std::string key;
    if (!posting.has_key) {
      bool is_known = false;
      LIBKV_RETURN_IF_ERROR(
          store_.ReadKeyOf(space_, read, entries[i].document, &key, &posting.expiry, &is_known));
      if (!is_known) continue;  // Verify names it
      posting.key = key;
    }
    take(i, posting.code, posting.key);
  }
  return absl::OkStatus();
}

void Store::Impl::StoredEntries::Read(
    std::span<const FarEntry> entries,
    absl::FunctionRef<void(size_t i, const CodeView& code, std::string_view key)> take) {
  if (status_.ok()) status_ = ReadAll(entries, take);
}

}  // namespace libkv
