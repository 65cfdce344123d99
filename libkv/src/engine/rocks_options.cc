#include "engine/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <vector>

#include "engine/zeroed_logs.h"

namespace libkv {
namespace {

size_t WriteBufferBytes(const EngineOptions& options, const std::string& name) {
  // Nothing is written to it but a rare range delete.
  if (name == "segments") return size_t{64} << 10;
  // Small buffers cost less CPU per write (the skip list stays in the processor's cache) and bound
  // the log that an open has to replay; a quarter of the budget at most.
  return std::clamp(options.memory_bytes / 16, size_t{1} << 20, size_t{16} << 20);
}

// Any RocksDB with LZ4, which others of our files need, can write segments.
rocksdb::CompressionType BestCompression() {
  const std::vector<rocksdb::CompressionType> supported = rocksdb::GetSupportedCompressions();
  const bool has_zstd =
      std::find(supported.begin(), supported.end(), rocksdb::kZSTD) != supported.end();
  return has_zstd ? rocksdb::kZSTD : rocksdb::kLZ4Compression;
}

}  // namespace

const char* const kFamilyNames[kFamilyCount] = {"default", "data", "index", "vectors", "segments"};

size_t CacheBytes(size_t memory_bytes) {
  return memory_bytes - std::min(memory_bytes / 4, size_t{16} << 20);
}

std::shared_ptr<rocksdb::Cache> MakeCache(const EngineOptions& options) {
  return rocksdb::NewLRUCache(CacheBytes(options.memory_bytes));
}

rocksdb::DBOptions MakeDbOptions(const EngineOptions& options,
                                 std::shared_ptr<rocksdb::Logger> logger,
                                 std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::DBOptions db;
  db.env = ZeroedLogsEnv();
  db.create_if_missing = options.create_if_missing;
  db.create_missing_column_families = true;
  db.max_background_jobs = std::max(1, options.background_threads);
  db.info_log = std::move(logger);  // RocksDB's own writer aborts the process on a full disk
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;

  // One budget: write buffers are charged to the block cache.
  db.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(
      options.memory_bytes / 4, std::move(cache), /*allow_stall=*/false);
  db.max_total_wal_size = size_t{64}
                          << 20;  // bounds the time of recovery, whatever the families do

  // Trust nothing that is read back.
  db.paranoid_checks = true;                    // background errors stop writes
  db.flush_verify_memtable_count = true;        // a flush that loses entries fails
  db.verify_sst_unique_id_in_manifest = true;   // a misplaced table file is found
  db.track_and_verify_wals_in_manifest = true;  // so is a missing or short log. SyncWAL and
                                                // FlushWAL(true) break it in 7.8: never called
  db.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();  // from the first file
  db.fail_if_options_file_error = true;
  db.write_dbid_to_manifest = true;  // identity under a checksum
  db.db_host_id = "";                // no host name in the files
  db.allow_data_in_errors = false;   // no keys in messages

  // The tail of a log that a crash tore is dropped; what was synced lies before it.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // Resuming after a background error aborts in builds with assertions: refuse writes instead.
  db.max_bgerror_resume_count = 0;

  // Off, each for a bug or a broken promise in 7.8: unordered_write (torn snapshots),
  // two_write_queues, manual_wal_flush (kill -9 safety), recycle_log_file_num, wal_compression,
  // atomic_flush (hangs after a failed flush), best_efforts_recovery (ignores the log), use_fsync.
  db.enable_pipelined_write = false;              // one committer: nothing to overlap
  db.allow_concurrent_memtable_write = false;     // one writer needs no compare-and-swap
  db.enable_write_thread_adaptive_yield = false;  // nobody waits in RocksDB's queue
  // Old files are deleted in the background; a read-only open, which deletes none, asserts on it.
  db.avoid_unnecessary_blocking_io = !options.read_only;
  db.writable_file_max_buffer_size = size_t{256} << 10;  // half a dozen files are written at a time
  db.bytes_per_sync = size_t{1} << 20;                   // table files reach the disk evenly
  db.max_open_files = 1'024;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

rocksdb::ColumnFamilyOptions MakeFamilyOptions(const EngineOptions& options,
                                               const std::string& name,
                                               std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = WriteBufferBytes(options, name);
  family.max_write_buffer_number = 4;
  family.level_compaction_dynamic_level_bytes = true;
  family.memtable_protection_bytes_per_key = kProtectionBytesPerKey;  // memory rot, up to the flush
  family.force_consistency_checks = true;
  family.check_flush_compaction_key_order = true;
  family.ttl = 0;  // no compaction for age alone
  family.periodic_compaction_seconds = 0;
  // Stalls begin early and gently rather than late and for long.
  family.level0_slowdown_writes_trigger = 20;
  family.level0_stop_writes_trigger = 36;
  family.soft_pending_compaction_bytes_limit = uint64_t{4} << 30;
  family.hard_pending_compaction_bytes_limit = uint64_t{16} << 30;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;  // any RocksDB from 6.6 on can read it
  table.verify_compression = true;
  table.detect_filter_construct_corruption = true;
  table.cache_index_and_filter_blocks = true;  // inside the budget
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  // Segments: a search reads one row of a few hundred bytes for each term, and larger rows fill a
  // block alone.
  table.block_size = name == "data" ? 4 << 10 : name == "segments" ? 8 << 10 : 16 << 10;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));

  // Files of segments come with disjoint keys, straight to the last level: nothing to compact,
  // ever, unless a range delete is flushed; compaction is on for its sake.

  // Values compress well and are read one by one; the newest levels are rewritten soon anyway. Rows
  // of the index are short and alike from the first level on. Segments are written once, and what
  // is read often stays in the caches unpacked: they are worth the best there is.
  family.compression = rocksdb::kNoCompression;
  if (name == "index") family.compression = rocksdb::kLZ4Compression;
  if (name == "segments") family.compression = BestCompression();
  if (name == "vectors") {
    // Places are remembered by space, kind and list: vectors come in the order of their documents,
    // and so do the postings of a list.
    family.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(9));
  }
  if (name == "data") {
    // A batch in the order of its keys finds each place from the one before: a fifth less CPU for
    // 800 keys. Others cost the same as without.
    family.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(0));
    // A key that is not in the memtable, as most that are read are, is not searched for there.
    family.memtable_whole_key_filtering = true;
    family.memtable_prefix_bloom_size_ratio = 0.02;
    family.compression_per_level = {rocksdb::kNoCompression,  rocksdb::kNoCompression,
                                    rocksdb::kLZ4Compression, rocksdb::kLZ4Compression,
                                    rocksdb::kLZ4Compression, rocksdb::kLZ4Compression,
                                    rocksdb::kLZ4Compression};
  }
  return family;
}

rocksdb::WriteOptions MakeWriteOptions(bool sync) {
  rocksdb::WriteOptions write;
  write.sync = sync;
  write.protection_bytes_per_key = 0;  // the batch brings its own, from the first byte
  return write;
}

rocksdb::ReadOptions MakeReadOptions(bool fill_cache) {
  rocksdb::ReadOptions read;
  read.verify_checksums = true;
  read.fill_cache = fill_cache;
  return read;
}

}  // namespace libkv
