#include "server/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace kvserver {
namespace {

// In double quotes, with what would end them or the line escaped; both formats agree on that.
void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += "0123456789abcdef"[byte >> 4];
      out += "0123456789abcdef"[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

bool IsPlain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '/' || c == '_' ||
                          c == '-' || c == '[' || c == ']';
    if (!is_plain) return false;
  }
  return true;
}

constexpr char kLogfmtPattern[] = "time=%Y-%m-%dT%H:%M:%S.%e%z level=%l %v";
constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})";

}  // namespace

std::string LogLine(LogFormat format, std::string_view message, Log::Fields fields) {
  const bool is_json = format == LogFormat::kJson;
  std::string line = is_json ? "\"msg\":" : "msg=";
  AppendQuoted(line, message);
  for (const auto& [name, value] : fields) {
    if (is_json) {
      line += ',';
      AppendQuoted(line, name);
      line += ':';
      AppendQuoted(line, value);
    } else {
      line += ' ';
      line += name;
      line += '=';
      if (IsPlain(value)) {
        line += value;
      } else {
        AppendQuoted(line, value);
      }
    }
  }
  return line;
}

Log::Log(LogFormat format, const std::string& level)
    : format_(format),
      logger_(std::make_shared<spdlog::logger>("kvserver",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_pattern(format == LogFormat::kJson ? kJsonPattern : kLogfmtPattern);
  logger_->set_level(spdlog::level::from_str(level));
  logger_->flush_on(spdlog::level::trace);
}

Log::~Log() = default;

void Log::Debug(std::string_view message, Fields fields) {
  logger_->debug("{}", LogLine(format_, message, fields));
}
void Log::Info(std::string_view message, Fields fields) {
  logger_->info("{}", LogLine(format_, message, fields));
}
void Log::Warning(std::string_view message, Fields fields) {
  logger_->warn("{}", LogLine(format_, message, fields));
}
void Log::Error(std::string_view message, Fields fields) {
  logger_->error("{}", LogLine(format_, message, fields));
}

}  // namespace kvserver
