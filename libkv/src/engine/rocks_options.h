// The settings of RocksDB, each with its reason, in one table.
#ifndef LIBKV_SRC_ENGINE_ROCKS_OPTIONS_H_
#define LIBKV_SRC_ENGINE_ROCKS_OPTIONS_H_

#include <rocksdb/options.h>

#include <memory>
#include <string>

#include "engine/engine.h"

namespace libkv {

// What is shared by the whole database. `logger` may be null.
rocksdb::DBOptions MakeDbOptions(const EngineOptions& options,
                                 std::shared_ptr<rocksdb::Logger> logger,
                                 std::shared_ptr<rocksdb::Cache> cache);

// What a budget leaves for the block cache and all that is charged to it. The rest is for what is
// not: batches on their way, buffers of files that are written, words that were analyzed.
size_t CacheBytes(size_t memory_bytes);

// The block cache of a store with this budget.
std::shared_ptr<rocksdb::Cache> MakeCache(const EngineOptions& options);

// How one family is laid out. `name` decides about compression and filters.
rocksdb::ColumnFamilyOptions MakeFamilyOptions(const EngineOptions& options,
                                               const std::string& name,
                                               std::shared_ptr<rocksdb::Cache> cache);

rocksdb::WriteOptions MakeWriteOptions(bool sync);
rocksdb::ReadOptions MakeReadOptions(bool fill_cache);

// Protection bytes for every key of a batch: 8, or 0 for none.
inline constexpr size_t kProtectionBytesPerKey = 8;

// Names of the families, in the order of enum Family.
extern const char* const kFamilyNames[kFamilyCount];

}  // namespace libkv

#endif  // LIBKV_SRC_ENGINE_ROCKS_OPTIONS_H_
