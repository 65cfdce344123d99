// Entries of lists of vectors whose codes and keys are on disk only, as one snapshot has them.
#ifndef LIBKV_SRC_STORE_STORED_ENTRIES_H_
#define LIBKV_SRC_STORE_STORED_ENTRIES_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "store/store_impl.h"
#include "vector/list_search.h"

namespace libkv {

class Store::Impl::StoredEntries final : public FarReader {
 public:
  // All must outlive this. The first thing that goes wrong becomes `status`: DataLoss, an entry is
  // in memory and not on disk, or damaged there.
  StoredEntries(const Impl& store, const ActiveSpace& space, const EngineSnapshot* rows,
                absl::Status* status)
      : store_(store), space_(space), rows_(rows), status_(*status) {}

  void Read(
      std::span<const FarEntry> entries,
      absl::FunctionRef<void(size_t i, const CodeView& code, std::string_view key)> take) override;

 private:
  absl::Status ReadAll(
      std::span<const FarEntry> entries,
      absl::FunctionRef<void(size_t i, const CodeView& code, std::string_view key)> take);

  const Impl& store_;
  const ActiveSpace& space_;
  const EngineSnapshot* const rows_;
  absl::Status& status_;
};

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_STORED_ENTRIES_H_
