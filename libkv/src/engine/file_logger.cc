#include "engine/file_logger.h"

#include "base/clock.h"

namespace libkv {

FileLogger::FileLogger(std::string path)
    : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), path_(std::move(path)) {
  OpenLocked("ae");
}

FileLogger::~FileLogger() {
  if (file_ != nullptr) std::fclose(file_);
}

void FileLogger::OpenLocked(const char* mode) {
  file_ = std::fopen(path_.c_str(), mode);
  if (file_ == nullptr) return;
  std::fseek(file_, 0, SEEK_END);
  const long end = std::ftell(file_);
  bytes_ = end < 0 ? 0 : static_cast<size_t>(end);
}

void FileLogger::Logv(const char* format, va_list arguments) {
  char line[2'048];
  const int wrote = std::vsnprintf(line, sizeof line, format, arguments);
  if (wrote < 0) return;

  const std::lock_guard lock(mutex_);
  if (file_ == nullptr) return;
  const int all =
      std::fprintf(file_, "%lld %s\n", static_cast<long long>(SystemTimeMillis()), line);
  std::fflush(file_);
  if (all > 0) bytes_ += static_cast<size_t>(all);
  if (bytes_ < kLogBytesMax) return;
  std::fclose(file_);
  // A log that cannot be kept as .old starts again from nothing: the bound holds.
  const bool kept = std::rename(path_.c_str(), (path_ + ".old").c_str()) == 0;
  OpenLocked(kept ? "ae" : "we");
}

}  // namespace libkv
