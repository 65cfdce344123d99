// The directory of a store: what may be opened, created or deleted, and by whom.
#ifndef LIBKV_SRC_STORE_DIRECTORY_H_
#define LIBKV_SRC_STORE_DIRECTORY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace libkv {

// Holds KVLOCK until it dies.
class DirectoryLock {
 public:
  // Unavailable, carrying the holder's process id (HolderOf), when somebody has it already.
  static absl::StatusOr<DirectoryLock> Acquire(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;

 private:
  explicit DirectoryLock(int file) : file_(file) {}
  int file_ = -1;
};

// The process id that Acquire put into `status`.
std::optional<int64_t> LockHolder(const absl::Status& status);

enum class DirectoryContents { kMissing, kEmpty, kStore, kSomethingElse };

// FailedPrecondition: `directory` is a file. PermissionDenied: it cannot be read.
absl::StatusOr<DirectoryContents> LookInto(const std::string& directory);

// Creates the directory, parents included, if it is missing, and writes KVFORMAT, synced.
absl::Status PrepareDirectory(const std::string& directory);
absl::Status WriteFormatFile(const std::string& directory);

// FailedPrecondition: a newer format. DataLoss: KVFORMAT is damaged.
absl::Status CheckFormatFile(const std::string& directory);

// Deletes the files whose names begin and end so, as far as that succeeds.
void RemoveFiles(const std::string& directory, std::string_view prefix, std::string_view suffix);

// Deletes the files that are ours and not RocksDB's, then the directory if it is empty.
absl::Status DeleteOwnFiles(const std::string& directory);

}  // namespace libkv

#endif  // LIBKV_SRC_STORE_DIRECTORY_H_
