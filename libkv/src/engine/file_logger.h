// A log file for RocksDB's messages that never fails and never grows over its bound: RocksDB's own
// logger aborts the host process when the disk is full.
#ifndef LIBKV_SRC_ENGINE_FILE_LOGGER_H_
#define LIBKV_SRC_ENGINE_FILE_LOGGER_H_

#include <rocksdb/env.h>

#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <string>

namespace libkv {

inline constexpr size_t kLogBytesMax = 1 << 20;  // then `path` is renamed to `path`.old

class FileLogger : public rocksdb::Logger {
 public:
  explicit FileLogger(std::string path);
  ~FileLogger() override;

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override __attribute__((format(printf, 2, 0)));

 private:
  void OpenLocked(const char* mode);

  const std::string path_;
  std::mutex mutex_;
  std::FILE* file_ = nullptr;  // null: could not be opened; messages are dropped
  size_t bytes_ = 0;
};

}  // namespace libkv

#endif  // LIBKV_SRC_ENGINE_FILE_LOGGER_H_
