// Reads RocksDB's write-ahead logs before RocksDB does, and says whether recovery would silently
// lose writes that were durable.
//
// The problem: RocksDB replays a log up to the first record whose checksum does not match and drops
// the rest. That is right for a tail that a crash tore, because nothing behind it was ever synced.
// It is wrong for a bit that rotted in the middle: everything behind it was acknowledged, and is
// gone without a word. From the log alone the two cannot be told apart.
//
// Ours: every synced batch carries a durable claim, the sequence number up to which everything was
// synced before it. If a damaged place in a log is followed by an intact record that claims a
// sequence which the damage swallowed, the damaged bytes had been durable: refuse to open, and name
// the place. Behind a torn tail no such claim can stand.
//
//   claim := "KVD1" sequence:u64     as log data of a batch: in the log only, never in a table
//
// What this cannot see: damage to the last record of all, which looks like a torn tail. A clean
// close writes one more record, with a claim, so that after it nothing but that record is last.
//
// Zeros up to the end of a log are its end (zeroed_logs.h). Zeros in front of an intact record are
// a hole: a power cut let later pages reach the disk and an earlier one not, none of which had been
// synced. RocksDB reads on behind such a hole, and would recover writes without those in front of
// them. So the hole is made a damage that it stops at.
#ifndef LIBKV_SRC_ENGINE_LOG_SCAN_H_
#define LIBKV_SRC_ENGINE_LOG_SCAN_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace libkv {

std::string EncodeDurableClaim(uint64_t sequence);
bool ParseDurableClaim(std::string_view blob, uint64_t* sequence);

// DataLoss, naming file and byte, when a log in `directory` lost durable writes: then nothing was
// changed. Else, with `marks_holes`, for who is about to recover: the first bytes of a hole are
// written over. Costs one read of the logs (at most some 64 MiB), about 1 s per GB.
absl::Status CheckLogs(const std::string& directory, bool marks_holes);

// CRC-32C (Castagnoli), as RocksDB's log records carry it.
uint32_t Crc32c(std::string_view bytes);

}  // namespace libkv

#endif  // LIBKV_SRC_ENGINE_LOG_SCAN_H_
