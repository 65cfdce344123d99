#include "sync_counter.h"

#include <utility>

namespace libkv::perf {
namespace {

class CountedFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  CountedFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, std::atomic<uint64_t>* syncs)
      : FSWritableFileOwnerWrapper(std::move(file)), syncs_(syncs) {}

  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    syncs_->fetch_add(1, std::memory_order_relaxed);
    return FSWritableFileOwnerWrapper::Sync(options, debug);
  }

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    syncs_->fetch_add(1, std::memory_order_relaxed);
    return FSWritableFileOwnerWrapper::Fsync(options, debug);
  }

 private:
  std::atomic<uint64_t>* const syncs_;
};

}  // namespace

rocksdb::IOStatus SyncCounter::NewWritableFile(const std::string& path,
                                               const rocksdb::FileOptions& options,
                                               std::unique_ptr<rocksdb::FSWritableFile>* file,
                                               rocksdb::IODebugContext* debug) {
  rocksdb::IOStatus status = target()->NewWritableFile(path, options, file, debug);
  if (status.ok() && path.ends_with(".log")) {
    *file = std::make_unique<CountedFile>(std::move(*file), &log_syncs_);
  }
  return status;
}

}  // namespace libkv::perf
