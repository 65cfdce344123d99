#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "engine/file_logger.h"
#include "engine/log_scan.h"
#include "engine/rocks_options.h"
#include "engine/rocks_status.h"

namespace libkv {
namespace {

// Who writes beside a reader may replace a table or a log between the list of them and the look at
// it: the next list names others. The reader looks again until nobody has written a new list for
// so long, or for so long in all. What is really lost is missing every time.
constexpr std::chrono::seconds kQuietListMax{1}, kReadOnlyPatience{20};

// Changes when somebody writes a new list of the tables and logs.
std::string StateOfList(const std::string& directory) {
  std::string name;
  std::ifstream(directory + "/CURRENT") >> name;
  std::error_code error;
  return Concat(name, " ", std::filesystem::file_size(directory + "/" + name, error));
}

absl::Status OpenReadOnly(const rocksdb::DBOptions& options, const std::string& directory,
                          const std::vector<rocksdb::ColumnFamilyDescriptor>& families,
                          std::vector<rocksdb::ColumnFamilyHandle*>* handles, rocksdb::DB** db) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  Clock::time_point changed = start;
  std::string list = StateOfList(directory);
  while (true) {
    // A record that is being written looks like a damage until it is whole.
    absl::Status status = CheckLogs(directory, /*marks_holes=*/false);
    if (status.ok()) {
      const rocksdb::Status opened =
          rocksdb::DB::OpenForReadOnly(options, directory, families, handles, db);
      if (opened.ok()) return absl::OkStatus();
      status = FromRocks(opened, Concat("opening the database in ", directory));
      const std::string why = opened.ToString();
      const bool is_gone =
          why.find("No such file") != why.npos || why.find("Missing WAL") != why.npos;
      if (!is_gone) return status;
    }
    const Clock::time_point now = Clock::now();
    std::string next = StateOfList(directory);
    if (next != list) changed = now;
    list = std::move(next);
    if (now - changed > kQuietListMax || now - start > kReadOnlyPatience) return status;
  }
}

// Null: the database was opened read-only and lacks the family.
using Handles = std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount>;

rocksdb::Slice ToSlice(std::string_view s) { return {s.data(), s.size()}; }

class RocksSnapshot final : public EngineSnapshot {
 public:
  explicit RocksSnapshot(rocksdb::DB* db) : db_(db), snapshot_(db->GetSnapshot()) {}
  ~RocksSnapshot() override { db_->ReleaseSnapshot(snapshot_); }
  uint64_t sequence() const override { return snapshot_->GetSequenceNumber(); }
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  rocksdb::DB* const db_;
  const rocksdb::Snapshot* const snapshot_;
};

const rocksdb::Snapshot* Unwrap(const EngineSnapshot* snapshot) {
  return snapshot == nullptr ? nullptr : static_cast<const RocksSnapshot*>(snapshot)->get();
}

class RocksTableWriter final : public TableWriter {
 public:
  RocksTableWriter(const rocksdb::Options& options, std::string path)
      : path_(std::move(path)), writer_(rocksdb::EnvOptions(options), options) {}
  ~RocksTableWriter() override { ::unlink(path_.c_str()); }

  absl::Status Open() { return Checked(writer_.Open(path_)); }
  absl::Status Put(std::string_view key, std::string_view value) override {
    return Checked(writer_.Put(ToSlice(key), ToSlice(value)));
  }
  absl::Status Finish() override { return Checked(writer_.Finish()); }
  const std::string& path() const override { return path_; }

 private:
  absl::Status Checked(const rocksdb::Status& status) const {
    return status.ok() ? absl::OkStatus() : FromRocks(status, Concat("writing ", path_));
  }

  const std::string path_;
  rocksdb::SstFileWriter writer_;
};

class RocksEngine final : public Engine {
 public:
  RocksEngine(std::unique_ptr<rocksdb::DB> db, Handles families,
              std::vector<rocksdb::ColumnFamilyHandle*> all, std::shared_ptr<rocksdb::Cache> cache,
              size_t cache_bytes)
      : db_(std::move(db)),
        families_(families),
        all_(std::move(all)),
        cache_(std::move(cache)),
        cache_bytes_(cache_bytes) {}

  ~RocksEngine() override {
    // RocksDB asserts that no handle outlives it.
    for (rocksdb::ColumnFamilyHandle* handle : all_) db_->DestroyColumnFamilyHandle(handle);
    db_->Close();
  }

  absl::Status Write(EngineBatch& batch, bool sync) override;
  uint64_t LatestSequence() const override { return db_->GetLatestSequenceNumber(); }
  absl::Status Get(Family family, const EngineRead& read, std::string_view key, PinnedValue* value,
                   bool* found) const override;
  absl::Status MultiGet(Family family, const EngineRead& read,
                        std::span<const std::string_view> keys, PinnedValue* values,
                        bool* found) const override;
  std::unique_ptr<EngineCursor> NewCursor(Family family, const EngineRead& read, std::string lower,
                                          std::string upper) const override;
  std::unique_ptr<EngineSnapshot> NewSnapshot() const override {
    return std::make_unique<RocksSnapshot>(db_.get());
  }
  absl::StatusOr<std::unique_ptr<TableWriter>> NewTableWriter(Family family,
                                                              std::string path) const override;
  absl::Status Ingest(Family family, std::span<const std::string> paths) override;
  absl::Status DropRange(Family family, std::string_view lower, std::string_view upper) override;
  absl::Status Flush() override;
  absl::Status Checkpoint(const std::string& directory) override;
  absl::Status VerifyFiles() override;
  EngineStats Stats() const override;
  void ReserveMemory(size_t bytes) override;

 private:
  const void* Families() const override { return &families_; }
  absl::Status CheckWritable(Family family = Family::kDefault) const;
  rocksdb::ColumnFamilyHandle* Handle(Family family) const {
    return families_[static_cast<size_t>(family)];
  }
  rocksdb::ReadOptions ReadOptionsFor(const EngineRead& read) const {
    rocksdb::ReadOptions options = MakeReadOptions(read.fill_cache);
    options.snapshot = Unwrap(read.snapshot);
    options.readahead_size = read.read_ahead_bytes;
    return options;
  }

  const std::unique_ptr<rocksdb::DB> db_;
  const Handles families_;
  const std::vector<rocksdb::ColumnFamilyHandle*> all_;  // those of unknown families included
  const std::shared_ptr<rocksdb::Cache> cache_;
  const size_t cache_bytes_;  // with what ReserveMemory takes
  std::atomic<bool> failed_{false};
  uint64_t durable_sequence_ = 0;  // the writer's own; everything up to it is synced (log_scan.h)
};

absl::Status RocksEngine::CheckWritable(Family family) const {
  if (Handle(family) == nullptr) return FailedPrecondition("the database is open read-only");
  if (!failed_.load(std::memory_order_relaxed)) return absl::OkStatus();
  return DataLoss(
      "an earlier write failed and its effect is unknown: close the store and open "
      "it again; what was acknowledged is still there");
}

absl::Status RocksEngine::Write(EngineBatch& batch, bool sync) {
  LIBKV_RETURN_IF_ERROR(CheckWritable());
  if (sync && !BatchOf(batch)->PutLogData(EncodeDurableClaim(durable_sequence_)).ok()) {
    return MakeStatus(absl::StatusCode::kInternal, "adding a durable claim to a batch");
  }
  const rocksdb::Status status = db_->Write(MakeWriteOptions(sync), BatchOf(batch));
  if (!status.ok()) {
    failed_ = true;
    return FromRocks(status, "writing");
  }
  if (sync) durable_sequence_ = db_->GetLatestSequenceNumber();
  return absl::OkStatus();
}

absl::Status RocksEngine::Get(Family family, const EngineRead& read, std::string_view key,
                              PinnedValue* value, bool* found) const {
  rocksdb::PinnableSlice* const slice = SliceOf(value);
  slice->Reset();
  *found = false;
  if (Handle(family) == nullptr) return absl::OkStatus();
  const rocksdb::Status status =
      db_->Get(ReadOptionsFor(read), Handle(family), ToSlice(key), slice);
  *found = status.ok();
  if (status.ok() || status.IsNotFound()) return absl::OkStatus();
  return FromRocks(status, "reading a key");
}

absl::Status RocksEngine::MultiGet(Family family, const EngineRead& read,
                                   std::span<const std::string_view> keys, PinnedValue* values,
                                   bool* found) const {
  if (Handle(family) == nullptr) {
    std::fill_n(found, keys.size(), false);
    return absl::OkStatus();
  }
  // Equal neighbours confuse RocksDB 7.8's MultiGet: each distinct key is asked for once.
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return keys[a] < keys[b]; });
  std::vector<rocksdb::Slice> distinct;
  std::vector<size_t> distinct_of(keys.size());
  for (const size_t i : order) {
    if (distinct.empty() || distinct.back() != ToSlice(keys[i]))
      distinct.push_back(ToSlice(keys[i]));
    distinct_of[i] = distinct.size() - 1;
  }

  std::vector<rocksdb::PinnableSlice> slices(distinct.size());
  std::vector<rocksdb::Status> statuses(distinct.size());
  db_->MultiGet(ReadOptionsFor(read), Handle(family), distinct.size(), distinct.data(),
                slices.data(), statuses.data(), /*sorted_input=*/true);

  std::vector<const rocksdb::PinnableSlice*> given(distinct.size(), nullptr);
  for (size_t i = 0; i < keys.size(); ++i) {
    const size_t d = distinct_of[i];
    found[i] = statuses[d].ok();
    if (!statuses[d].ok()) {
      if (!statuses[d].IsNotFound()) return FromRocks(statuses[d], "reading keys");
      continue;
    }
    rocksdb::PinnableSlice* const slice = SliceOf(&values[i]);
    slice->Reset();
    if (given[d] == nullptr) {
      *slice = std::move(slices[d]);
      given[d] = slice;
    } else {
      slice->PinSelf(*given[d]);
    }
  }
  return absl::OkStatus();
}

std::unique_ptr<EngineCursor> RocksEngine::NewCursor(Family family, const EngineRead& read,
                                                     std::string lower, std::string upper) const {
  return MakeCursor(db_.get(), Handle(family), ReadOptionsFor(read), std::move(lower),
                    std::move(upper));
}

absl::StatusOr<std::unique_ptr<TableWriter>> RocksEngine::NewTableWriter(Family family,
                                                                         std::string path) const {
  LIBKV_RETURN_IF_ERROR(CheckWritable(family));
  // The options of the database itself: checksums, filters and blocks as it would write them.
  auto writer =
      std::make_unique<RocksTableWriter>(db_->GetOptions(Handle(family)), std::move(path));
  LIBKV_RETURN_IF_ERROR(writer->Open());
  return writer;
}

absl::Status RocksEngine::Ingest(Family family, std::span<const std::string> paths) {
  LIBKV_RETURN_IF_ERROR(CheckWritable(family));
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  // A sequence number is given to files only for the sake of open snapshots, or of older rows under
  // the same keys. The first is waived here, the second refused: rows keep the sequence 0.
  options.snapshot_consistency = false;
  options.allow_global_seqno = false;
  options.write_global_seqno = false;    // files are never changed, their checksums stay true
  options.allow_blocking_flush = false;  // would wait for the writer
  options.verify_checksums_before_ingest = true;
  return FromRocks(db_->IngestExternalFile(Handle(family), {paths.begin(), paths.end()}, options),
                   "ingesting table files");
}

absl::Status RocksEngine::DropRange(Family family, std::string_view lower, std::string_view upper) {
  LIBKV_RETURN_IF_ERROR(CheckWritable(family));
  if (upper.empty()) return InvalidArgument("a range to be dropped needs an end");
  const rocksdb::Slice first = ToSlice(lower), end = ToSlice(upper);
  LIBKV_RETURN_IF_ERROR(
      FromRocks(rocksdb::DeleteFilesInRange(db_.get(), Handle(family), &first, &end,
                                            /*include_end=*/false),
                "dropping table files"));
  const auto left =
      NewCursor(family, {.fill_cache = false}, std::string(lower), std::string(upper));
  left->SeekToFirst();
  LIBKV_RETURN_IF_ERROR(left->status());
  if (!left->Valid()) return absl::OkStatus();
  const rocksdb::Status status =
      db_->DeleteRange(MakeWriteOptions(/*sync=*/false), Handle(family), first, end);
  if (!status.ok()) failed_ = true;
  return FromRocks(status, "deleting a range");
}

absl::Status RocksEngine::Flush() {
  std::vector<rocksdb::ColumnFamilyHandle*> handles(families_.begin(), families_.end());
  std::erase(handles, nullptr);
  return FromRocks(db_->Flush(rocksdb::FlushOptions(), handles), "flushing");
}

absl::Status RocksEngine::Checkpoint(const std::string& directory) {
  // RocksDB 7.8 may link a log that is not synced yet: have nothing in the log that matters.
  LIBKV_RETURN_IF_ERROR(Flush());
  rocksdb::Checkpoint* raw = nullptr;
  const rocksdb::Status made = rocksdb::Checkpoint::Create(db_.get(), &raw);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  if (!made.ok()) return FromRocks(made, "preparing a checkpoint");
  return FromRocks(checkpoint->CreateCheckpoint(directory), "writing a checkpoint");
}

absl::Status RocksEngine::VerifyFiles() {
  const rocksdb::ReadOptions read = MakeReadOptions(/*fill_cache=*/false);
  LIBKV_RETURN_IF_ERROR(FromRocks(db_->VerifyFileChecksums(read), "checking table files"));
  return FromRocks(db_->VerifyChecksum(read), "checking blocks");
}

EngineStats RocksEngine::Stats() const {
  const auto property = [&](rocksdb::ColumnFamilyHandle* family, const std::string& name) {
    uint64_t value = 0;
    return db_->GetIntProperty(family, name, &value) ? value : 0;
  };
  EngineStats stats;
  stats.keys_estimate = property(Handle(Family::kData), rocksdb::DB::Properties::kEstimateNumKeys);
  for (rocksdb::ColumnFamilyHandle* family : all_) {
    stats.disk_bytes += property(family, rocksdb::DB::Properties::kTotalSstFilesSize);
    stats.memory_bytes += property(family, rocksdb::DB::Properties::kCurSizeAllMemTables);
  }
  rocksdb::VectorLogPtr logs;
  if (db_->GetSortedWalFiles(logs).ok()) {
    for (const auto& log : logs) stats.disk_bytes += log->SizeFileBytes();
  }
  stats.memory_bytes += cache_->GetUsage();
  return stats;
}

void RocksEngine::ReserveMemory(size_t bytes) {
  // Never below an eighth: a cache of nothing would make every read a disk read.
  const size_t floor = cache_bytes_ / 8;
  cache_->SetCapacity(bytes + floor < cache_bytes_ ? cache_bytes_ - bytes : floor);
}

}  // namespace

EngineCursor::EngineCursor(std::string lower, std::string upper)
    : lower_(std::move(lower)),
      upper_(std::move(upper)),
      lower_slice_(lower_),
      upper_slice_(upper_) {}
absl::Status EngineCursor::status() const { return FromRocks(it_->status(), "reading a range"); }

std::unique_ptr<EngineCursor> Engine::MakeCursor(rocksdb::DB* db,
                                                 rocksdb::ColumnFamilyHandle* family,
                                                 rocksdb::ReadOptions read, std::string lower,
                                                 std::string upper) {
  std::unique_ptr<EngineCursor> cursor(new EngineCursor(std::move(lower), std::move(upper)));
  if (family == nullptr) {
    cursor->it_.reset(rocksdb::NewEmptyIterator());
    return cursor;
  }
  if (!cursor->lower_.empty()) read.iterate_lower_bound = &cursor->lower_slice_;
  if (!cursor->upper_.empty()) read.iterate_upper_bound = &cursor->upper_slice_;
  cursor->it_.reset(db->NewIterator(read, family));
  return cursor;
}

EngineBatch::EngineBatch()
    : batch_(std::make_unique<rocksdb::WriteBatch>(/*reserved_bytes=*/0, /*max_bytes=*/0,
                                                   kProtectionBytesPerKey,
                                                   /*default_cf_ts_sz=*/0)) {}
EngineBatch::~EngineBatch() = default;

void EngineBatch::Put(Family family, std::string_view key, std::string_view value) {
  rocksdb::ColumnFamilyHandle* const handle =
      (*static_cast<const Handles*>(families_))[static_cast<size_t>(family)];
  // Fails only for keys over 4 GiB and batches over their bound; both are checked above this layer.
  LIBKV_CHECK(batch_->Put(handle, ToSlice(key), ToSlice(value)).ok());
}

void EngineBatch::Delete(Family family, std::string_view key) {
  rocksdb::ColumnFamilyHandle* const handle =
      (*static_cast<const Handles*>(families_))[static_cast<size_t>(family)];
  LIBKV_CHECK(batch_->Delete(handle, ToSlice(key)).ok());
}

void EngineBatch::Clear() { batch_->Clear(); }
size_t EngineBatch::count() const { return static_cast<size_t>(batch_->Count()); }
size_t EngineBatch::size_bytes() const { return batch_->GetDataSize(); }

std::unique_ptr<EngineBatch> Engine::NewBatch() const {
  auto batch = std::make_unique<EngineBatch>();
  batch->families_ = Families();
  return batch;
}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Open(const EngineOptions& options,
                                                     const std::string& directory) {
  auto logger =
      options.read_only ? nullptr : std::make_shared<FileLogger>(directory + "/libkv.log");
  const std::shared_ptr<rocksdb::Cache> cache = MakeCache(options);
  const rocksdb::DBOptions db_options = MakeDbOptions(options, logger, cache);

  // RocksDB refuses to open with a family left out: list them all, known here or not. Read-only, it
  // also refuses those that are not there.
  std::vector<std::string> names(kFamilyNames, kFamilyNames + kFamilyCount);
  std::vector<std::string> stored;
  if (rocksdb::DB::ListColumnFamilies(db_options, directory, &stored).ok()) {
    const auto is_in = [](const std::vector<std::string>& list, const std::string& name) {
      return std::find(list.begin(), list.end(), name) != list.end();
    };
    if (options.read_only) {
      std::erase_if(names, [&](const std::string& name) { return !is_in(stored, name); });
    }
    for (const std::string& name : stored) {
      if (!is_in(names, name)) names.push_back(name);
    }
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) {
    descriptors.emplace_back(name, MakeFamilyOptions(options, name, cache));
  }

  rocksdb::DB* raw = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  if (options.read_only) {
    LIBKV_RETURN_IF_ERROR(OpenReadOnly(db_options, directory, descriptors, &handles, &raw));
  } else {
    // Before RocksDB recovers: it would drop what stands behind a damage, and the log with it.
    LIBKV_RETURN_IF_ERROR(CheckLogs(directory, /*marks_holes=*/true));
    const rocksdb::Status status =
        rocksdb::DB::Open(db_options, directory, descriptors, &handles, &raw);
    if (!status.ok()) return FromRocks(status, Concat("opening the database in ", directory));
  }

  Handles families{};
  for (size_t i = 0; i < names.size(); ++i) {
    const auto known = std::find(kFamilyNames, kFamilyNames + kFamilyCount, names[i]);
    const auto place = static_cast<size_t>(known - kFamilyNames);
    if (place < kFamilyCount) families[place] = handles[i];
  }
  return std::make_unique<RocksEngine>(std::unique_ptr<rocksdb::DB>(raw), families,
                                       std::move(handles), cache, CacheBytes(options.memory_bytes));
}

absl::Status Engine::Destroy(const std::string& directory) {
  const EngineOptions options;
  const rocksdb::DBOptions db_options = MakeDbOptions(options, nullptr, MakeCache(options));
  return FromRocks(rocksdb::DestroyDB(directory, rocksdb::Options(db_options, {})),
                   "deleting the database");
}

}  // namespace libkv
