// RocksDB's status as this library's.
#ifndef LIBKV_SRC_ENGINE_ROCKS_STATUS_H_
#define LIBKV_SRC_ENGINE_ROCKS_STATUS_H_

#include <rocksdb/status.h>

#include <string_view>

#include "absl/status/status.h"

namespace libkv {

// OK stays OK; anything else carries `doing` ("opening the database") and RocksDB's own words.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view doing);

}  // namespace libkv

#endif  // LIBKV_SRC_ENGINE_ROCKS_STATUS_H_
