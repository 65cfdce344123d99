#include "loader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "encoding.h"
#include "exit_code.h"
#include "progress.h"
#include "record_reader.h"

namespace kvcli {
namespace {

constexpr size_t kBatchRecords = 1'000;
constexpr size_t kBatchBytes = size_t{16} << 20;  // a record more may be as large as 64 MiB
constexpr uint64_t kProblemsShown = 10;

std::string SystemMessage() { return std::generic_category().message(errno); }

// A file, or stdin, which stays open.
class InputFile {
 public:
  explicit InputFile(const std::string& name) {
    fd_ = name == "-" ? STDIN_FILENO : open(name.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (fd_ < 0 || fstat(fd_, &status) != 0) return;
    is_directory_ = S_ISDIR(status.st_mode);
    if (S_ISREG(status.st_mode)) bytes_ = static_cast<uint64_t>(status.st_size);
  }
  ~InputFile() {
    if (fd_ > STDIN_FILENO) close(fd_);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  int fd() const { return fd_; }
  bool is_directory() const { return is_directory_; }
  uint64_t bytes() const { return bytes_; }  // 0: not known

 private:
  int fd_ = -1;
  bool is_directory_ = false;
  uint64_t bytes_ = 0;
};

FileFormat FormatOf(const LoadRequest& request, const std::string& file) {
  const std::string_view format = request.format;
  if (format == "csv" || (format.empty() && file.ends_with(".csv"))) return FileFormat::kCsv;
  if (format == "tsv" || (format.empty() && file.ends_with(".tsv"))) return FileFormat::kTsv;
  return FileFormat::kNdjson;
}

class Loader {
 public:
  Loader(Backend& backend, const Output& output, const LoadRequest& request)
      : backend_(backend), output_(output), request_(request) {}

  int LoadFile(const std::string& name);
  Reply Report() const {
    Reply map = Reply::Map();
    map.Add("loaded", Reply::Integer(static_cast<int64_t>(loaded_)));
    map.Add("skipped", Reply::Integer(static_cast<int64_t>(skipped_)));
    map.Add("seconds",
            Reply::Double(static_cast<double>(static_cast<int64_t>(progress_.seconds() * 1'000)) /
                          1'000));
    return map;
  }

 private:
  int Flush(const std::string& name);
  int BadLine(const std::string& name, const RecordReader& reader);

  Backend& backend_;
  const Output& output_;
  const LoadRequest& request_;
  Progress progress_;
  std::vector<Record> batch_;
  size_t batch_bytes_ = 0;
  uint64_t first_line_ = 0, last_line_ = 0;  // of the batch
  uint64_t loaded_ = 0, skipped_ = 0;
};

int Loader::Flush(const std::string& name) {
  const absl::Status status = backend_.Write(batch_);
  if (!status.ok()) {
    output_.Error(absl::Status(status.code(), name + ", lines " + std::to_string(first_line_) +
                                                  " to " + std::to_string(last_line_) + ": " +
                                                  std::string(status.message())));
    return ExitCodeOf(status);
  }
  loaded_ += batch_.size();
  batch_.clear();
  batch_bytes_ = 0;
  return kOk;
}

int Loader::BadLine(const std::string& name, const RecordReader& reader) {
  const std::string message = name + ":" + std::to_string(reader.line()) + ": " + reader.problem();
  if (!request_.skip_errors) {
    const int code = Flush(name);
    if (code != kOk) return code;
    output_.Error("INVALID_ARGUMENT", message + " (" + std::to_string(loaded_) +
                                          " records before it were stored; --skip-errors goes on)");
    return kBadInput;
  }
  if (++skipped_ <= kProblemsShown) output_.Error("INVALID_ARGUMENT", message + " (skipped)");
  return kOk;
}

int Loader::LoadFile(const std::string& name) {
  const InputFile file(name);
  if (file.fd() < 0 || file.is_directory()) {
    output_.Error("NOT_FOUND", name + ": " + (file.fd() < 0 ? SystemMessage() : "a directory"));
    return kBadInput;
  }
  RecordReader reader(file.fd(), FormatOf(request_, name), request_.key_field);
  while (true) {
    Record record;
    const RecordReader::Result result = reader.Next(record);
    if (result == RecordReader::Result::kEnd) return Flush(name);
    int code = kOk;
    if (result == RecordReader::Result::kFailed) {
      output_.Error("INVALID_ARGUMENT", name + ": " + reader.problem());
      return kBadInput;
    }
    if (result == RecordReader::Result::kBadLine) {
      code = BadLine(name, reader);
    } else {
      const size_t bytes = record.key.size() + record.value.size();
      // Never more in one batch than a server takes.
      if (!batch_.empty() && batch_bytes_ + bytes > kBatchBytes) code = Flush(name);
      if (code != kOk) return code;
      if (batch_.empty()) first_line_ = reader.line();
      last_line_ = reader.line();
      batch_bytes_ += bytes;
      batch_.push_back(std::move(record));
      if (batch_.size() == kBatchRecords) code = Flush(name);
    }
    if (code != kOk) return code;
    progress_.Show(loaded_, reader.bytes(), file.bytes());
  }
}

}  // namespace

int Load(Backend& backend, const Output& output, const LoadRequest& request) {
  Loader loader(backend, output, request);
  for (const std::string& file : request.files) {
    const int code = loader.LoadFile(file);
    if (code != kOk) return code;
  }
  output.Result(loader.Report());
  return kOk;
}

int Export(Backend& backend, const Output& output, const std::string& prefix,
           const std::string& file) {
  const bool to_stdout = file.empty() || file == "-";
  std::FILE* const out = to_stdout ? stdout : std::fopen(file.c_str(), "wxe");
  if (out == nullptr) {
    output.Error("ALREADY_EXISTS", file + ": " + SystemMessage());
    return kBadInput;
  }
  Progress progress;
  uint64_t records = 0, bytes = 0;
  bool is_written = true;
  const auto sink = [&](const Record& record) {
    std::string line = "{";
    AppendJsonMember(line, "key", record.key);
    line += ',';
    AppendJsonMember(line, "value", record.value);
    if (record.expires_at != 0) line += ",\"expires_at\":" + std::to_string(record.expires_at);
    line += "}\n";
    is_written = std::fwrite(line.data(), 1, line.size(), out) == line.size();
    progress.Show(++records, bytes += line.size(), 0);
    return is_written;
  };
  const absl::Status status =
      backend.Scan({.prefix = prefix, .with_values = true, .with_expiry = true}, sink);
  is_written = (to_stdout ? std::fflush(out) : std::fclose(out)) == 0 && is_written;
  if (!status.ok()) {
    output.Error(status);
    return ExitCodeOf(status);
  }
  if (!is_written) {
    output.Error("UNAVAILABLE", (to_stdout ? "stdout" : file) + ": cannot be written");
    return kBadInput;
  }
  return kOk;
}

}  // namespace kvcli
