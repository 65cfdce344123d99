// The server's log, on standard error: one line per event, as logfmt or JSON.
//
//   log.Info("ready", {{"port", "7411"}});
//   time=2025-01-31T12:00:00.000+0000 level=info msg="ready" port=7411
#ifndef KVSERVER_SRC_SERVER_LOG_H_
#define KVSERVER_SRC_SERVER_LOG_H_

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace spdlog {
class logger;
}

namespace kvserver {

enum class LogFormat { kLogfmt, kJson };

// Threads: any.
class Log {
 public:
  using Fields = std::initializer_list<std::pair<std::string_view, std::string>>;

  // `level`: debug, info, warning or error; less is not written.
  Log(LogFormat format, const std::string& level);
  ~Log();

  void Debug(std::string_view message, Fields fields = {});
  void Info(std::string_view message, Fields fields = {});
  void Warning(std::string_view message, Fields fields = {});
  void Error(std::string_view message, Fields fields = {});

 private:
  const LogFormat format_;
  std::shared_ptr<spdlog::logger> logger_;
};

// For tests: the part of a line behind time and level.
std::string LogLine(LogFormat format, std::string_view message, Log::Fields fields);

}  // namespace kvserver

#endif  // KVSERVER_SRC_SERVER_LOG_H_
