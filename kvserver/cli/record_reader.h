// Files of records -> records, one after the other, in memory for one line.
//
//   ndjson  {"key": KEY, "value": VALUE} on every line; key_b64 and value_b64 in base64; with
//           "expires_at": milliseconds since 1970. A value that is no string is stored as JSON.
//           With key_field, each line is an object of any kind: all of it is the value, and what
//           stands in that field is the key.
//   csv     RFC 4180: a first line of names, fields in quotes may have line ends. The column
//           key_field (or "key") is the key; the value is a JSON object of the whole row. What is
//           written as a JSON number becomes one.
//   tsv     The same with tabs; quotes mean nothing, and \t \n \\ are what they are elsewhere.
#ifndef KVSERVER_CLI_RECORD_READER_H_
#define KVSERVER_CLI_RECORD_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backend.h"

namespace kvcli {

inline constexpr size_t kLineBytesMax = size_t{256} << 20;  // a value of 64 MiB, escaped
inline constexpr size_t kColumnsMax = 10'000;
inline constexpr size_t kJsonDepthMax = 256;

enum class FileFormat { kNdjson, kCsv, kTsv };

// Lines of a file descriptor.
class LineReader {
 public:
  explicit LineReader(int fd) : fd_(fd) {}

  enum class Result { kLine, kEnd, kTooLong, kFailed };
  // Without the line end (LF or CRLF). A line that is too long is passed over.
  Result Next(std::string& line);
  uint64_t bytes() const { return bytes_; }  // read so far

 private:
  bool Fill();

  const int fd_;
  std::string buffer_;
  size_t begin_ = 0;
  uint64_t bytes_ = 0;
  bool has_failed_ = false;
};

class RecordReader {
 public:
  RecordReader(int fd, FileFormat format, std::string key_field);

  enum class Result {
    kRecord,
    kEnd,
    kBadLine,  // problem() says why; the next call goes on behind it
    kFailed,   // the file as a whole: it cannot be read, or has no head
  };
  Result Next(Record& record);

  uint64_t line() const { return line_; }  // where the last result began, from 1
  uint64_t bytes() const { return lines_.bytes(); }
  const std::string& problem() const { return problem_; }

 private:
  Result Bad(std::string problem);
  Result NextLine(std::string& text);
  Result NextRow(std::vector<std::string>& fields);
  Result ReadHead();
  bool FromJson(const std::string& text, Record& record);
  bool FromObject(const std::string& text, Record& record);
  bool FromRow(const std::vector<std::string>& fields, Record& record);
  bool Check(const Record& record);

  LineReader lines_;
  const FileFormat format_;
  const std::string key_field_;
  std::vector<std::string> names_;
  size_t key_column_ = 0;
  uint64_t line_ = 0, lines_read_ = 0;
  std::string problem_;
};

// Cuts one row; false: a quote is still open, or (with `problem`) the row is wrong.
bool SplitCsv(std::string_view row, std::vector<std::string>& fields, std::string& problem);
std::vector<std::string> SplitTsv(std::string_view row);

}  // namespace kvcli

#endif  // KVSERVER_CLI_RECORD_READER_H_
