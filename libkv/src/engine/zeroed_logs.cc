#include "engine/zeroed_logs.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace libkv {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// Appended to at its own position, which writes at a place (PositionedAppend) do not move.
class ZeroedLog final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  explicit ZeroedLog(std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return Appended(data.size(), target()->Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* debug) override {
    return Appended(data.size(), target()->Append(data, options, verification, debug));
  }

  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    WriteZeros(options, debug);
    return target()->Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    WriteZeros(options, debug);
    return target()->Fsync(options, debug);
  }

  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    IOStatus cut = IOStatus::OK();
    if (zeroed_end_ > size_) cut = target()->Truncate(size_, options, debug);
    IOStatus closed = target()->Close(options, debug);
    return cut.ok() ? closed : cut;
  }

  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }
  // Space that is only reserved would have to be made part of the file at each sync, too.
  void SetPreallocationBlockSize(size_t) override {}

 private:
  IOStatus Appended(size_t bytes, IOStatus status) {
    if (status.ok()) size_ += bytes;
    return status;
  }

  void WriteZeros(const IOOptions& options, IODebugContext* debug) {
    const bool is_small = size_ - synced_size_ <= kSmallSyncBytes;
    small_syncs_ = is_small ? small_syncs_ + 1 : 0;
    synced_size_ = size_;
    if (small_syncs_ < kSmallSyncsMin || zeroed_end_ >= size_ + kSmallSyncBytes) return;
    const uint64_t begin = std::max(size_, zeroed_end_);
    static const std::string zeros(kZerosAheadBytes, '\0');
    // Without them the next syncs take longer: a disk that is full will say so by the next write.
    if (target()->PositionedAppend(zeros, begin, options, debug).ok()) {
      zeroed_end_ = begin + zeros.size();
    }
  }

  uint64_t size_ = 0, synced_size_ = 0;
  uint64_t zeroed_end_ = 0;  // if greater than size_: all between them is zeros
  int small_syncs_ = 0;      // in succession
};

class ZeroedLogs final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "ZeroedLogs"; }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    IOStatus status = target()->NewWritableFile(name, options, file, debug);
    if (status.ok() && std::string_view(name).ends_with(".log")) {
      *file = std::make_unique<ZeroedLog>(std::move(*file));
    }
    return status;
  }
};

}  // namespace

rocksdb::Env* ZeroedLogsEnv() {
  static rocksdb::Env* const env =
      rocksdb::NewCompositeEnv(std::make_shared<ZeroedLogs>(rocksdb::FileSystem::Default()))
          .release();
  return env;
}

}  // namespace libkv
