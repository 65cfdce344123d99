#include "store/directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "format/kvformat_file.h"
#include "format/row.h"

namespace libkv {
namespace {

namespace fs = std::filesystem;

constexpr char kLockFileName[] = "KVLOCK";
constexpr char kHolderUrl[] = "libkv/holder-pid";
constexpr size_t kFormatFileBytesMax = 4 << 10;

absl::Status FromErrno(int error, std::string_view doing, std::string_view path) {
  const absl::StatusCode code =
      error == EACCES || error == EPERM || error == EROFS ? absl::StatusCode::kPermissionDenied
      : error == ENOENT                                   ? absl::StatusCode::kNotFound
      : error == ENOTDIR                                  ? absl::StatusCode::kFailedPrecondition
      : error == ENOSPC || error == EDQUOT                ? absl::StatusCode::kResourceExhausted
                                                          : absl::StatusCode::kUnavailable;
  return MakeStatus(code, doing, " ", path, ": ", std::generic_category().message(error));
}

// Writes a file so that after a power cut it is there whole or not at all.
absl::Status WriteSynced(const std::string& directory, std::string_view name,
                         std::string_view text) {
  const std::string path = Concat(directory, "/", name), temporary = path + ".new";
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return FromErrno(errno, "creating", temporary);
  const ssize_t wrote = write(file, text.data(), text.size());
  const bool good = wrote == static_cast<ssize_t>(text.size()) && fsync(file) == 0;
  const int error = errno;
  close(file);
  if (!good) return FromErrno(error, "writing", temporary);
  // Sync before the rename: the name must never point at an unwritten file.
  if (rename(temporary.c_str(), path.c_str()) != 0) return FromErrno(errno, "renaming", temporary);
  const int folder = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return FromErrno(errno, "opening", directory);
  const bool synced = fsync(folder) == 0;
  const int sync_error = errno;
  close(folder);
  return synced ? absl::OkStatus() : FromErrno(sync_error, "syncing", directory);
}

absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t bytes_max) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return FromErrno(errno, "opening", path);
  std::string text(bytes_max, '\0');
  const ssize_t got = read(file, text.data(), text.size());
  const int error = errno;
  close(file);
  if (got < 0) return FromErrno(error, "reading", path);
  text.resize(static_cast<size_t>(got));
  return text;
}

std::string PathOf(const std::string& directory, std::string_view name) {
  return Concat(directory, "/", name);
}

}  // namespace

absl::StatusOr<DirectoryLock> DirectoryLock::Acquire(const std::string& directory) {
  const std::string path = PathOf(directory, kLockFileName);
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return FromErrno(errno, "creating", path);
  DirectoryLock lock(file);
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return FromErrno(errno, "locking", path);
    char text[32] = {};
    const ssize_t got = pread(file, text, sizeof text - 1, 0);
    const std::string holder(text, got > 0 ? std::strcspn(text, "\n") : 0);
    absl::Status status =
        MakeStatus(absl::StatusCode::kUnavailable, "AlreadyOpen: the store in ", directory,
                   " is open in process ", holder.empty() ? "(unknown)" : std::string_view(holder),
                   ": close it there, or open it read-only");
    status.SetPayload(kHolderUrl, absl::Cord(ToAbsl(holder)));
    return status;
  }
  const std::string pid = Concat(static_cast<int64_t>(getpid()), "\n");
  if (ftruncate(file, 0) != 0 || pwrite(file, pid.data(), pid.size(), 0) < 0) {
    return FromErrno(errno, "writing", path);
  }
  return lock;
}

DirectoryLock::~DirectoryLock() {
  if (file_ >= 0) close(file_);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : file_(std::exchange(other.file_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

std::optional<int64_t> LockHolder(const absl::Status& status) {
  const absl::optional<absl::Cord> holder = status.GetPayload(kHolderUrl);
  if (!holder.has_value()) return std::nullopt;
  const std::string text(*holder);
  int64_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return pid;
}

absl::StatusOr<DirectoryContents> LookInto(const std::string& directory) {
  std::error_code error;
  const fs::file_status status = fs::status(directory, error);
  if (status.type() == fs::file_type::not_found) return DirectoryContents::kMissing;
  if (error) return FromErrno(error.value(), "looking at", directory);
  if (status.type() != fs::file_type::directory) {
    return FailedPrecondition(directory, " is not a directory: a store needs one of its own");
  }
  bool empty = true;
  fs::directory_iterator it(directory, error);
  if (error) return FromErrno(error.value(), "reading", directory);
  for (; it != fs::directory_iterator(); it.increment(error)) {
    if (error) return FromErrno(error.value(), "reading", directory);
    const std::string name = it->path().filename();
    if (name == kFormatFileName) return DirectoryContents::kStore;
    // What an open that was killed in its first moments leaves behind.
    if (name != kLockFileName && name != Concat(kFormatFileName, ".new")) empty = false;
  }
  return empty ? DirectoryContents::kEmpty : DirectoryContents::kSomethingElse;
}

absl::Status PrepareDirectory(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return FromErrno(error.value(), "creating", directory);
  return absl::OkStatus();
}

absl::Status WriteFormatFile(const std::string& directory) {
  return WriteSynced(directory, kFormatFileName, EncodeFormatFile(kFormat, kMinReader));
}

absl::Status CheckFormatFile(const std::string& directory) {
  LIBKV_ASSIGN_OR_RETURN(const std::string text,
                         ReadSmallFile(PathOf(directory, kFormatFileName), kFormatFileBytesMax));
  uint32_t format = 0, min_reader = 0;
  LIBKV_RETURN_IF_ERROR(ParseFormatFile(text, &format, &min_reader));
  return CheckFormat(format, min_reader);
}

void RemoveFiles(const std::string& directory, std::string_view prefix, std::string_view suffix) {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator it(directory, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    const std::string name = it->path().filename();
    if (name.starts_with(prefix) && name.ends_with(suffix)) found.push_back(it->path());
  }
  for (const fs::path& path : found) fs::remove(path, error);
}

absl::Status DeleteOwnFiles(const std::string& directory) {
  // KVFORMAT last: as long as it is there, the rest is still known to be a store's.
  for (const char* name : {"libkv.log", "libkv.log.old", kLockFileName, "KVFORMAT"}) {
    const std::string path = PathOf(directory, name);
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return FromErrno(errno, "deleting", path);
  }
  if (rmdir(directory.c_str()) != 0 && errno != ENOTEMPTY && errno != EEXIST) {
    return FromErrno(errno, "deleting", directory);
  }
  return absl::OkStatus();
}

}  // namespace libkv
