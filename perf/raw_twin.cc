#include "raw_twin.h"

#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include "engine/rocks_options.h"
#include "harness.h"

namespace libkv::perf {
namespace {

rocksdb::Slice ToSlice(std::string_view s) { return {s.data(), s.size()}; }

void Require(const rocksdb::Status& status) {
  if (!status.ok()) Fail("raw RocksDB: " + status.ToString());
}

rocksdb::DBOptions TwinOptions(const EngineOptions& engine, std::shared_ptr<rocksdb::Cache> cache,
                               rocksdb::Env* env) {
  rocksdb::DBOptions options = MakeDbOptions(engine, nullptr, std::move(cache));
  options.env = env;
  // The store has one thread that writes and so turns these off. The twin's callers meet in
  // RocksDB's own queue: it keeps RocksDB's defaults.
  const rocksdb::DBOptions defaults;
  options.allow_concurrent_memtable_write = defaults.allow_concurrent_memtable_write;
  options.enable_write_thread_adaptive_yield = defaults.enable_write_thread_adaptive_yield;
  return options;
}

rocksdb::WriteOptions WriteOptionsFor(Durability durability) {
  rocksdb::WriteOptions options = MakeWriteOptions(durability == Durability::kSynced);
  options.protection_bytes_per_key = kProtectionBytesPerKey;
  return options;
}

}  // namespace

RawTwin::RawTwin(const std::string& directory)
    : file_system_(std::make_shared<SyncCounter>(rocksdb::FileSystem::Default())),
      env_(rocksdb::NewCompositeEnv(file_system_)) {
  const EngineOptions engine;
  const std::shared_ptr<rocksdb::Cache> cache = MakeCache(engine);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const char* name : kFamilyNames) {
    families.emplace_back(name, MakeFamilyOptions(engine, name, cache));
  }
  rocksdb::DB* db = nullptr;
  Require(rocksdb::DB::Open(TwinOptions(engine, cache, env_.get()), directory, families, &handles_,
                            &db));
  db_.reset(db);
  data_ = handles_[static_cast<size_t>(Family::kData)];
}

RawTwin::~RawTwin() {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close();
}

void RawTwin::Set(Durability durability, std::string_view key, std::string_view value,
                  std::span<const float>) {
  Require(db_->Put(WriteOptionsFor(durability), data_, ToSlice(key), ToSlice(value)));
}

void RawTwin::BulkSet(Durability durability, std::span<const KeyValue> items) {
  rocksdb::WriteBatch batch(0, 0, kProtectionBytesPerKey, 0);
  for (const KeyValue& item : items) {
    Require(batch.Put(data_, ToSlice(item.key), ToSlice(item.value)));
  }
  Require(db_->Write(MakeWriteOptions(durability == Durability::kSynced), &batch));
}

std::optional<std::string> RawTwin::Get(std::string_view key) {
  std::string value;
  const rocksdb::Status status = db_->Get(MakeReadOptions(true), data_, ToSlice(key), &value);
  if (status.ok()) return value;
  if (!status.IsNotFound()) Require(status);
  return std::nullopt;
}

size_t RawTwin::MultiGet(std::span<const std::string_view> keys) {
  std::vector<rocksdb::Slice> slices;
  slices.reserve(keys.size());
  for (const std::string_view key : keys) slices.push_back(ToSlice(key));
  const std::vector<rocksdb::ColumnFamilyHandle*> families(keys.size(), data_);
  std::vector<std::string> values;
  size_t found = 0;
  for (const rocksdb::Status& status :
       db_->MultiGet(MakeReadOptions(true), families, slices, &values)) {
    found += status.ok() ? 1 : 0;
  }
  return found;
}

uint64_t RawTwin::IterateAll() {
  uint64_t keys = 0, bytes = 0;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(MakeReadOptions(true), data_));
  for (it->SeekToFirst(); it->Valid(); it->Next(), ++keys) {
    bytes += it->key().size() + it->value().size();
  }
  Require(it->status());
  if (bytes < keys) Fail("raw RocksDB: an iterator saw empty keys");
  return keys;
}

void RawTwin::Flush() { Require(db_->Flush(rocksdb::FlushOptions(), handles_)); }

Contestant RawRocksdb() {
  return {"raw", [](const std::string& directory) { return std::make_unique<RawTwin>(directory); }};
}

}  // namespace libkv::perf
