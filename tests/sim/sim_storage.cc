#include "sim/sim_storage.h"

#include "cluster/merge_function.h"

namespace kvserver::sim {

using cluster::StoredRecord;

// The records of a moment, and the clock of now. Its reads fail as those of the disk do.
class SimStorage::Past : public cluster::RecordView {
 public:
  explicit Past(SimStorage& disk) : disk_(disk), records_(disk.image_.records) {}

  absl::StatusOr<std::optional<StoredRecord>> Read(std::string_view key,
                                                   bool with_vector) override {
    return disk_.ReadFrom(records_, key, with_vector);
  }
  absl::Status ForEachStamp(
      std::string_view first, std::string_view end,
      absl::FunctionRef<bool(std::string_view key, std::string_view stamp)> visit) override {
    return disk_.VisitStamps(records_, first, end, visit);
  }

 private:
  SimStorage& disk_;
  const Records records_;
};

std::unique_ptr<cluster::RecordView> SimStorage::Snapshot() {
  return std::make_unique<Past>(*this);
}

absl::StatusOr<std::optional<StoredRecord>> SimStorage::Read(std::string_view key,
                                                             bool with_vector) {
  return ReadFrom(image_.records, key, with_vector);
}

absl::StatusOr<std::optional<StoredRecord>> SimStorage::ReadFrom(const Records& records,
                                                                 std::string_view key,
                                                                 bool with_vector) {
  CheckNotVisiting("Read");
  if (absl::Status status = CountRead(); !status.ok()) return status;
  const auto found = records.find(key);
  if (found == records.end() || IsOver(found->second)) return std::nullopt;
  StoredRecord record = found->second;
  if (!with_vector) record.vector.clear();
  return record;
}

void SimStorage::Set(std::string_view key, const StoredRecord& record) {
  CheckNotVisiting("Set");
  std::optional<StoredRecord> before = Exchange(key, record);
  open_.changes.push_back({false, std::string(key), std::move(before), std::nullopt});
}

void SimStorage::Delete(std::string_view key) {
  CheckNotVisiting("Delete");
  std::optional<StoredRecord> before = Exchange(key, std::nullopt);
  if (!before) return;
  open_.changes.push_back({false, std::string(key), std::move(before), std::nullopt});
}

const cluster::MergeFunction* SimStorage::MergeOf(std::string_view key) {
  static const cluster::MergeFunction* const least = *cluster::Merges().Find("min");
  static const cluster::MergeFunction* const all = *cluster::Merges().Find("set_union");
  if (key.ends_with('\0')) return all;
  return key.starts_with('n') && (key.back() - '0') % 2 == 1 ? least : nullptr;
}

void SimStorage::PutRow(std::string_view name, std::string_view value) {
  CheckNotVisiting("PutRow");
  std::optional<std::string> before = ExchangeRow(name, std::string(value));
  open_.changes.push_back({true, std::string(name), std::nullopt, std::move(before)});
}

void SimStorage::DeleteRow(std::string_view name) {
  CheckNotVisiting("DeleteRow");
  std::optional<std::string> before = ExchangeRow(name, std::nullopt);
  if (!before) return;
  open_.changes.push_back({true, std::string(name), std::nullopt, std::move(before)});
}

absl::Status SimStorage::ForEachRow(
    std::string_view prefix,
    absl::FunctionRef<bool(std::string_view name, std::string_view value)> visit) {
  if (absl::Status status = CountRead(); !status.ok()) return status;
  CheckNotVisiting("ForEachRow");
  is_visiting_ = true;
  for (auto row = image_.rows.lower_bound(prefix);
       row != image_.rows.end() && row->first.starts_with(prefix); ++row) {
    if (!visit(row->first, row->second)) break;
  }
  is_visiting_ = false;
  return absl::OkStatus();
}

absl::Status SimStorage::ForEachStamp(
    std::string_view first, std::string_view end,
    absl::FunctionRef<bool(std::string_view key, std::string_view stamp)> visit) {
  return VisitStamps(image_.records, first, end, visit);
}

absl::Status SimStorage::VisitStamps(
    const Records& records, std::string_view first, std::string_view end,
    absl::FunctionRef<bool(std::string_view key, std::string_view stamp)> visit) {
  if (absl::Status status = CountRead(); !status.ok()) return status;
  CheckNotVisiting("ForEachStamp");
  is_visiting_ = true;
  for (auto record = records.lower_bound(first);
       record != records.end() && (end.empty() || record->first < end); ++record) {
    if (IsOver(record->second)) continue;
    if (!visit(record->first, record->second.stamp)) break;
  }
  is_visiting_ = false;
  return absl::OkStatus();
}

void SimStorage::Commit(uint64_t turn) {
  open_.turn = turn;
  unsynced_.push_back(std::move(open_));
  open_ = {};
}

void SimStorage::Sync(uint64_t turn) {
  while (!unsynced_.empty() && unsynced_.front().turn <= turn) unsynced_.pop_front();
}

void SimStorage::Crash(size_t kept) {
  Undo(open_);
  open_ = {};
  while (unsynced_.size() > kept) {
    Undo(unsynced_.back());
    unsynced_.pop_back();
  }
  unsynced_.clear();
  reads_left_.reset();
  has_failed_ = false;
}

void SimStorage::Load(const Image& image) {
  open_ = {};
  unsynced_.clear();
  image_ = image;
  index_.clear();
  for (const auto& [key, record] : image_.records) index_.insert({record.value, key});
}

void SimStorage::LoseRecord(std::string_view key) {
  Image image = std::move(image_);
  image.records.erase(std::string(key));
  Load(image);
}

SimStorage::Image SimStorage::DurableImage() const {
  SimStorage durable = *this;
  durable.Crash(0);
  return std::move(durable.image_);
}

std::string SimStorage::CheckIndex() const {
  size_t seen = 0;
  for (const auto& [key, record] : image_.records) {
    if (index_.count({record.value, key}) == 0) return "the index does not find " + key;
    ++seen;
  }
  return seen == index_.size() ? "" : "the index finds what is not there";
}

absl::Status SimStorage::CountRead() {
  if (!reads_left_) return absl::OkStatus();
  if (*reads_left_ > 0) {
    --*reads_left_;
    return absl::OkStatus();
  }
  has_failed_ = true;
  return absl::DataLossError("injected: a block cannot be read");
}

std::optional<StoredRecord> SimStorage::Exchange(std::string_view key,
                                                 std::optional<StoredRecord> record) {
  std::optional<StoredRecord> before;
  const auto found = image_.records.find(key);
  if (found == image_.records.end()) {
    if (record) {
      index_.insert({record->value, std::string(key)});
      image_.records.emplace(key, *std::move(record));
    }
    return before;
  }
  before = std::move(found->second);
  if (!record || record->value != before->value) {
    index_.erase({before->value, found->first});
    if (record) index_.insert({record->value, found->first});
  }
  if (record) {
    found->second = *std::move(record);
  } else {
    image_.records.erase(found);
  }
  return before;
}

std::optional<std::string> SimStorage::ExchangeRow(std::string_view name,
                                                   std::optional<std::string> value) {
  std::optional<std::string> before;
  const auto found = image_.rows.find(name);
  if (found == image_.rows.end()) {
    if (value) image_.rows.emplace(name, *std::move(value));
    return before;
  }
  before = std::move(found->second);
  if (value) {
    found->second = *std::move(value);
  } else {
    image_.rows.erase(found);
  }
  return before;
}

void SimStorage::Undo(Transaction& transaction) {
  for (auto change = transaction.changes.rbegin(); change != transaction.changes.rend(); ++change) {
    if (change->is_row) {
      ExchangeRow(change->name, std::move(change->row));
    } else {
      Exchange(change->name, std::move(change->record));
    }
  }
}

void SimStorage::CheckNotVisiting(const char* call) {
  if (is_visiting_ && misuse_.empty()) misuse_ = std::string(call) + " inside of a visit";
}

}  // namespace kvserver::sim
