// The Engine is RocksDB as this library uses it: five families, one batch, one sync. It is the only
// folder that includes rocksdb/ headers, and the only place where its options, its avoid-list and
// its status codes are known.
//
// Threads    Every method may be called from any thread; writes are made by one thread at a time
//            (the caller's business), which is what makes LatestSequence() right after Write the
//            sequence of that write.
// Errors     After a write or a background task failed with an I/O error the effect on disk is
//            unknown: the engine stops accepting writes (see Write); reads go on.
#ifndef LIBKV_SRC_ENGINE_ENGINE_H_
#define LIBKV_SRC_ENGINE_ENGINE_H_

#include <rocksdb/iterator.h>
#include <rocksdb/slice.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class WriteBatch;
struct ReadOptions;
}  // namespace rocksdb

namespace libkv {

enum class Family : uint8_t { kDefault = 0, kData = 1, kIndex = 2, kVectors = 3, kSegments = 4 };
inline constexpr size_t kFamilyCount = 5;

struct EngineOptions {
  bool create_if_missing = true;
  bool read_only = false;
  size_t memory_bytes = size_t{256} << 20;  // block cache and write buffers
  int background_threads = 2;
};

// Changes that reach the disk together. Copies what it is given.
class EngineBatch {
 public:
  EngineBatch();
  ~EngineBatch();
  EngineBatch(const EngineBatch&) = delete;
  EngineBatch& operator=(const EngineBatch&) = delete;

  void Put(Family family, std::string_view key, std::string_view value);
  void Delete(Family family, std::string_view key);
  void Clear();

  size_t count() const;
  size_t size_bytes() const;

 private:
  friend class Engine;
  std::unique_ptr<rocksdb::WriteBatch> batch_;
  const void* families_ = nullptr;  // the engine's handles, set by Engine::NewBatch
};

// A fixed view of all families. Must be released before its engine.
class EngineSnapshot {
 public:
  virtual ~EngineSnapshot() = default;
  virtual uint64_t sequence() const = 0;
};

// A value that stays where it is, in the block cache or a buffer, until this is reset or dies.
class PinnedValue {
 public:
  std::string_view view() const { return {slice_.data(), slice_.size()}; }
  void Reset() { slice_.Reset(); }

 private:
  friend class Engine;
  rocksdb::PinnableSlice slice_;
};

// Walks over the rows of one family in key order. Views live until the next move. What stands under
// the cursor is fetched once per move: the accessors cost nothing.
class EngineCursor {
 public:
  EngineCursor(const EngineCursor&) = delete;
  EngineCursor& operator=(const EngineCursor&) = delete;

  void SeekToFirst() { it_->SeekToFirst(), Fetch(); }
  void SeekToLast() { it_->SeekToLast(), Fetch(); }
  void Seek(std::string_view key) { it_->Seek({key.data(), key.size()}), Fetch(); }
  void SeekForPrev(std::string_view key) { it_->SeekForPrev({key.data(), key.size()}), Fetch(); }
  void Next() { it_->Next(), Fetch(); }
  void Prev() { it_->Prev(), Fetch(); }
  absl::Status status() const;

  bool Valid() const { return valid_; }
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

 private:
  friend class Engine;
  EngineCursor(std::string lower, std::string upper);

  void Fetch() {
    valid_ = it_->Valid();
    if (!valid_) return;
    const rocksdb::Slice key = it_->key(), value = it_->value();
    key_ = {key.data(), key.size()};
    value_ = {value.data(), value.size()};
  }

  const std::string lower_, upper_;
  const rocksdb::Slice lower_slice_, upper_slice_;  // RocksDB keeps pointers to them
  std::unique_ptr<rocksdb::Iterator> it_;
  bool valid_ = false;
  std::string_view key_, value_;
};

struct EngineRead {
  const EngineSnapshot* snapshot = nullptr;  // null: the newest state
  bool fill_cache = true;
  // So much is read from a file at once, by cursors that walk far; 0: as RocksDB sees fit.
  size_t read_ahead_bytes = 0;
};

struct EngineStats {
  uint64_t keys_estimate = 0;
  uint64_t disk_bytes = 0;
  uint64_t memory_bytes = 0;
};

// A table file that is written outside of the database, to be ingested later. Belongs to one
// thread. When this dies it removes the file; one that was ingested is no longer there.
class TableWriter {
 public:
  virtual ~TableWriter() = default;

  // Keys ascending, each once. FailedPrecondition: not so.
  virtual absl::Status Put(std::string_view key, std::string_view value) = 0;

  // Nothing may be put afterwards. FailedPrecondition: nothing was put before.
  virtual absl::Status Finish() = 0;

  virtual const std::string& path() const = 0;
};

class Engine {
 public:
  // Opens the database in `directory`, with all families it has, known here or not. A family that
  // it has not is created; read-only, it is as if it were empty.
  // NotFound: nothing there and not to be created. DataLoss: damaged files.
  static absl::StatusOr<std::unique_ptr<Engine>> Open(const EngineOptions& options,
                                                      const std::string& directory);
  static absl::Status Destroy(const std::string& directory);
  virtual ~Engine() = default;

  std::unique_ptr<EngineBatch> NewBatch() const;

  // Writes `batch`, all or nothing. With `sync`, OK means it survives a power cut. After an error
  // whose effect is unknown every further Write answers DataLoss.
  virtual absl::Status Write(EngineBatch& batch, bool sync) = 0;

  // The sequence number of the last change of the last write.
  virtual uint64_t LatestSequence() const = 0;

  // False in *found: no such key. OK is returned either way.
  virtual absl::Status Get(Family family, const EngineRead& read, std::string_view key,
                           PinnedValue* value, bool* found) const = 0;

  // Like Get for each of `keys`, faster when there are many.
  virtual absl::Status MultiGet(Family family, const EngineRead& read,
                                std::span<const std::string_view> keys, PinnedValue* values,
                                bool* found) const = 0;

  // Over the keys in [lower, upper); "" is no bound.
  virtual std::unique_ptr<EngineCursor> NewCursor(Family family, const EngineRead& read,
                                                  std::string lower, std::string upper) const = 0;

  virtual std::unique_ptr<EngineSnapshot> NewSnapshot() const = 0;

  // Writes `path`, which must be on the file system of the database to be ingested without a copy.
  virtual absl::StatusOr<std::unique_ptr<TableWriter>> NewTableWriter(Family family,
                                                                      std::string path) const = 0;

  // Makes the rows of finished table files part of `family`, all or none; OK means that they
  // survive a power cut. The files are moved into the database. Any thread may call it while
  // another one writes: it consumes no sequence number, so that what LatestSequence() says of a
  // write stays true. A snapshot taken before sees the rows too: whoever names them has to come
  // later. FailedPrecondition: the family has, or lately had, rows between the keys of one of the
  // files. After an error nothing is changed.
  virtual absl::Status Ingest(Family family, std::span<const std::string> paths) = 0;

  // Removes all rows with keys in [lower, upper); `upper` must not be "". Table files that lie
  // within the range go whole, without a write; what snapshots see of them goes too, cursors keep
  // theirs. If rows are left, a range delete is written, under the rules of Write without `sync`:
  // after a crash they may be back.
  virtual absl::Status DropRange(Family family, std::string_view lower, std::string_view upper) = 0;

  virtual absl::Status Flush() = 0;
  virtual absl::Status Checkpoint(const std::string& directory) = 0;
  virtual absl::Status VerifyFiles() = 0;  // the checksum of every table file and block
  virtual EngineStats Stats() const = 0;

  // Gives `bytes` of the memory budget to somebody else: the block cache shrinks.
  virtual void ReserveMemory(size_t bytes) = 0;

 protected:
  static rocksdb::PinnableSlice* SliceOf(PinnedValue* value) { return &value->slice_; }
  static std::unique_ptr<EngineCursor> MakeCursor(rocksdb::DB* db,
                                                  rocksdb::ColumnFamilyHandle* family,
                                                  rocksdb::ReadOptions read, std::string lower,
                                                  std::string upper);
  static rocksdb::WriteBatch* BatchOf(EngineBatch& batch) { return batch.batch_.get(); }
  virtual const void* Families() const = 0;
};

}  // namespace libkv

#endif  // LIBKV_SRC_ENGINE_ENGINE_H_
