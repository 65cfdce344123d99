// Storage is what a replica needs of the disk: records with a stamp, and rows beside them.
//
// A transaction is everything that is written between two calls of Replica::Seal: its owner makes
// all of it durable at once or nothing of it, and in the order of the transactions. Reads see what
// was written before, sealed or not.
#ifndef KVSERVER_SRC_CLUSTER_STORAGE_H_
#define KVSERVER_SRC_CLUSTER_STORAGE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace kvserver::cluster {

// The resolved value, as clients and the indexes see it, and what replication knows beyond.
struct StoredRecord {
  std::string value;
  std::string stamp;
  int64_t expiry = 0;         // milliseconds since 1970; 0: never
  std::vector<float> vector;  // only if it was given with the value

  friend bool operator==(const StoredRecord&, const StoredRecord&) = default;
};

struct MergeFunction;

// Records to be read: those of now, or of a moment that is over.
class RecordView {
 public:
  virtual ~RecordView() = default;

  // nullopt: no such key. Everything but the vector; `with_vector` asks for that too.
  virtual absl::StatusOr<std::optional<StoredRecord>> Read(std::string_view key,
                                                           bool with_vector) = 0;
  // The keys >= first (and < end, unless that is empty), in order, until `visit` answers false,
  // which may not use the storage.
  virtual absl::Status ForEachStamp(
      std::string_view first, std::string_view end,
      absl::FunctionRef<bool(std::string_view key, std::string_view stamp)> visit) = 0;
};

class Storage : public RecordView {
 public:
  // The records as they are now, with what was not committed yet. What has expired when it is read
  // is not there. It keeps the disk from giving free what is overwritten, and must die before the
  // storage's owner.
  virtual std::unique_ptr<RecordView> Snapshot() = 0;

  virtual void Set(std::string_view key, const StoredRecord& record) = 0;
  virtual void Delete(std::string_view key) = 0;

  // What makes one value of the siblings of `key`; null: the latest write is shown. It may change
  // between transactions: what is stored is brought to the new one by whoever changes it.
  virtual const MergeFunction* MergeOf(std::string_view /*key*/) { return nullptr; }

  virtual void PutRow(std::string_view name, std::string_view value) = 0;
  virtual void DeleteRow(std::string_view name) = 0;
  // Those with the prefix, in order, until `visit` answers false.
  virtual absl::Status ForEachRow(
      std::string_view prefix,
      absl::FunctionRef<bool(std::string_view name, std::string_view value)> visit) = 0;
};

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_STORAGE_H_
