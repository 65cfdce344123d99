// A file system that counts how often log files are synced, and does nothing else.
#ifndef LIBKV_PERF_SYNC_COUNTER_H_
#define LIBKV_PERF_SYNC_COUNTER_H_

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace libkv::perf {

class SyncCounter : public rocksdb::FileSystemWrapper {
 public:
  explicit SyncCounter(const std::shared_ptr<rocksdb::FileSystem>& target)
      : FileSystemWrapper(target) {}

  const char* Name() const override { return "SyncCounter"; }
  uint64_t log_syncs() const { return log_syncs_.load(std::memory_order_relaxed); }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;

 private:
  std::atomic<uint64_t> log_syncs_{0};
};

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SYNC_COUNTER_H_
