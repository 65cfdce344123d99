// The records of a store as replication sees them, those of system keys among them, which lie in
// rows: of now, or of a snapshot.
#ifndef KVSERVER_SRC_COMMAND_STORED_RECORDS_H_
#define KVSERVER_SRC_COMMAND_STORED_RECORDS_H_

#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cluster/storage.h"
#include "libkv/store.h"

namespace kvserver {

using SnapshotOrNow = std::shared_ptr<const libkv::Snapshot>;  // null: now

// As cluster::RecordView::Read.
absl::StatusOr<std::optional<cluster::StoredRecord>> ReadRecord(const libkv::Store& store,
                                                                const SnapshotOrNow& at,
                                                                std::string_view key,
                                                                bool with_vector);

// What goes before the stored records.
struct PendingStamp {
  bool is_seen = false;  // false: the key is not there
  std::string_view stamp;
};
using PendingStamps = std::map<std::string_view, PendingStamp>;

// As cluster::RecordView::ForEachStamp. `pending` has keys in [first, end) only.
absl::Status ForEachRecord(
    const libkv::Store& store, const SnapshotOrNow& at, PendingStamps pending,
    std::string_view first, std::string_view end,
    absl::FunctionRef<bool(std::string_view key, std::string_view stamp)> visit);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_STORED_RECORDS_H_
