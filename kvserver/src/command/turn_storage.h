// The turn that is filling, as replication sees it: what is pending goes before what is stored.
#ifndef KVSERVER_SRC_COMMAND_TURN_STORAGE_H_
#define KVSERVER_SRC_COMMAND_TURN_STORAGE_H_

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "cluster/storage.h"
#include "command/write_turns.h"

namespace kvserver {

// Lives under the lock of its WriteTurns. As in cluster::Storage.
class WriteTurns::TurnStorage : public cluster::Storage {
 public:
  explicit TurnStorage(WriteTurns& turns) : turns_(turns) {}

  absl::StatusOr<std::optional<cluster::StoredRecord>> Read(std::string_view key,
                                                            bool with_vector) override;
  void Set(std::string_view key, const cluster::StoredRecord& record) override;
  void Delete(std::string_view key) override;
  const cluster::MergeFunction* MergeOf(std::string_view key) override;
  void PutRow(std::string_view name, std::string_view value) override;
  void DeleteRow(std::string_view name) override;
  // Only at the start, when nothing is pending.
  absl::Status ForEachRow(
      std::string_view prefix,
      absl::FunctionRef<bool(std::string_view name, std::string_view value)> visit) override;
  absl::Status ForEachStamp(
      std::string_view first, std::string_view end,
      absl::FunctionRef<bool(std::string_view key, std::string_view stamp)> visit) override;
  std::unique_ptr<cluster::RecordView> Snapshot() override;

 private:
  class Past;
  static std::optional<cluster::StoredRecord> RecordOf(const Write& write, int64_t now,
                                                       bool with_vector);
  // Whether the space of the key takes the vector, and will go on to. One that the store would
  // refuse must not reach it: with it the whole turn would be refused.
  bool IsTaken(std::string_view key, std::span<const float> vector) const;

  WriteTurns& turns_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_TURN_STORAGE_H_
