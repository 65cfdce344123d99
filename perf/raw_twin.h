// The twin: the same calls on RocksDB itself, with the store's own settings and families and none
// of its work (no record header, no checksum per value, no indexes).
#ifndef LIBKV_PERF_RAW_TWIN_H_
#define LIBKV_PERF_RAW_TWIN_H_

#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

#include "side.h"
#include "sync_counter.h"

namespace libkv::perf {

class RawTwin final : public Side {
 public:
  explicit RawTwin(const std::string& directory);
  ~RawTwin() override;

  void Set(Durability durability, std::string_view key, std::string_view value,
           std::span<const float> vector) override;
  void BulkSet(Durability durability, std::span<const KeyValue> items) override;
  std::optional<std::string> Get(std::string_view key) override;
  size_t MultiGet(std::span<const std::string_view> keys) override;
  uint64_t IterateAll() override;
  void Flush() override;
  uint64_t syncs() const override { return file_system_->log_syncs(); }

 private:
  // RocksDB uses the file system until the database is gone.
  const std::shared_ptr<SyncCounter> file_system_;
  const std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  rocksdb::ColumnFamilyHandle* data_ = nullptr;
};

}  // namespace libkv::perf

#endif  // LIBKV_PERF_RAW_TWIN_H_
