// A disk in memory. Transactions survive a power cut in their order: those before the last Sync
// always, of the others the first few.
//
// What is not durable is kept as what it has replaced, so a crash undoes it, last change first.
#ifndef LIBKV_TESTS_SIM_SIM_STORAGE_H_
#define LIBKV_TESTS_SIM_SIM_STORAGE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/storage.h"

namespace kvserver::sim {

class SimStorage : public cluster::Storage {
 public:
  // All that a disk holds.
  struct Image {
    std::map<std::string, cluster::StoredRecord, std::less<>> records;
    std::map<std::string, std::string, std::less<>> rows;
  };

  absl::StatusOr<std::optional<cluster::StoredRecord>> Read(std::string_view key,
                                                            bool with_vector) override;
  void Set(std::string_view key, const cluster::StoredRecord& record) override;
  void Delete(std::string_view key) override;
  // By the names that sim/names.h gives.
  const cluster::MergeFunction* MergeOf(std::string_view key) override;
  void PutRow(std::string_view name, std::string_view value) override;
  void DeleteRow(std::string_view name) override;
  absl::Status ForEachRow(
      std::string_view prefix,
      absl::FunctionRef<bool(std::string_view name, std::string_view value)> visit) override;
  absl::Status ForEachStamp(
      std::string_view first, std::string_view end,
      absl::FunctionRef<bool(std::string_view key, std::string_view stamp)> visit) override;
  std::unique_ptr<cluster::RecordView> Snapshot() override;

  // Records that expire until then are not seen any more, though they still lie there.
  void SetTime(int64_t now_ms) { now_ms_ = now_ms; }
  bool IsOver(const cluster::StoredRecord& record) const {
    return record.expiry != 0 && record.expiry <= now_ms_;
  }

  // Ends the open transaction; it survives the process, but not yet a power cut.
  void Commit(uint64_t turn);
  // All transactions up to this turn survive everything but the loss of the disk.
  void Sync(uint64_t turn);
  size_t unsynced() const { return unsynced_.size(); }

  // Undoes the open transaction, and all but the first `kept` that are not durable.
  void Crash(size_t kept);
  void Wipe() { Load({}); }
  // The record is gone, and nothing else: the rows say that it is there.
  void LoseRecord(std::string_view key);
  void Load(const Image& image);
  Image DurableImage() const;

  // The read after `count` others, and all after it, fail until the next Crash.
  void FailReadsAfter(size_t count) { reads_left_ = count; }
  bool has_failed() const { return has_failed_; }
  void Repair() { reads_left_.reset(); }

  const Image& image() const { return image_; }
  // What Set and Delete have made of the index, against an index of what is there. "": equal.
  std::string CheckIndex() const;
  // Something forbidden that the replica has done. "": nothing.
  const std::string& misuse() const { return misuse_; }

 private:
  using Records = std::map<std::string, cluster::StoredRecord, std::less<>>;
  class Past;
  absl::StatusOr<std::optional<cluster::StoredRecord>> ReadFrom(const Records& records,
                                                                std::string_view key,
                                                                bool with_vector);
  absl::Status VisitStamps(
      const Records& records, std::string_view first, std::string_view end,
      absl::FunctionRef<bool(std::string_view key, std::string_view stamp)> visit);

  struct Change {
    bool is_row = false;
    std::string name;
    std::optional<cluster::StoredRecord> record;  // what was there before
    std::optional<std::string> row;
  };
  struct Transaction {
    uint64_t turn = 0;
    std::vector<Change> changes;
  };

  absl::Status CountRead();
  std::optional<cluster::StoredRecord> Exchange(std::string_view key,
                                                std::optional<cluster::StoredRecord> record);
  std::optional<std::string> ExchangeRow(std::string_view name, std::optional<std::string> value);
  void Undo(Transaction& transaction);
  void CheckNotVisiting(const char* call);

  Image image_;
  std::set<std::pair<std::string, std::string>> index_;  // value, key
  Transaction open_;
  std::deque<Transaction> unsynced_;
  std::optional<size_t> reads_left_;
  int64_t now_ms_ = 0;
  bool has_failed_ = false;
  bool is_visiting_ = false;
  std::string misuse_;
};

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_SIM_STORAGE_H_
