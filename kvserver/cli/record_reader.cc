#include "record_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "encoding.h"
#include "libkv/options.h"

namespace kvcli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Counted before parsing, so that no parser or printer recurses deeper.
bool IsTooDeep(std::string_view text) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kJsonDepthMax) return true;
    } else if (c == '}' || c == ']') {
      depth -= depth > 0;
    }
  }
  return false;
}

// Whether a program would write this number so: "007", "1e5" and twenty digits stay texts.
bool IsPlainNumber(std::string_view text) {
  constexpr size_t kDigitsMax = 15;  // all of them survive a double
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || text.size() > kDigitsMax) return false;
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const auto all_digits = [](std::string_view digits) {
    return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (!all_digits(whole) || (whole.size() > 1 && whole[0] == '0')) return false;
  return point == std::string_view::npos || all_digits(text.substr(point + 1));
}

// The text of a member that holds bytes, under its own name or as base64. False: wrong.
bool TakeBytes(const Json& json, const std::string& name, std::string& out, std::string& problem) {
  const auto plain = json.find(name), encoded = json.find(name + "_b64");
  if ((plain == json.end()) == (encoded == json.end())) {
    problem = "one of \"" + name + "\" and \"" + name + "_b64\" is needed";
    return false;
  }
  if (plain != json.end()) {
    if (plain->is_string()) {
      out = plain->get<std::string>();
    } else if (name == "value") {
      out = plain->dump();
    } else {
      problem = "\"" + name + "\" is not a string";
      return false;
    }
    return true;
  }
  auto bytes =
      encoded->is_string() ? FromBase64(encoded->get_ref<const std::string&>()) : std::nullopt;
  if (!bytes) {
    problem = "\"" + name + "_b64\" is not base64";
    return false;
  }
  out = *std::move(bytes);
  return true;
}

}  // namespace

bool LineReader::Fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t before = buffer_.size();
  buffer_.resize(before + kReadBytes);
  ssize_t count = 0;
  do {
    count = read(fd_, buffer_.data() + before, kReadBytes);
  } while (count < 0 && errno == EINTR);
  has_failed_ = count < 0;
  buffer_.resize(before + static_cast<size_t>(std::max<ssize_t>(count, 0)));
  bytes_ += static_cast<uint64_t>(std::max<ssize_t>(count, 0));
  return count > 0;
}

LineReader::Result LineReader::Next(std::string& line) {
  size_t looked_at = 0;
  bool is_too_long = false;
  while (true) {
    const size_t end = buffer_.find('\n', begin_ + looked_at);
    const bool has_line = end != std::string::npos;
    const size_t length = (has_line ? end : buffer_.size()) - begin_;
    if (!has_line && length <= kLineBytesMax) {
      looked_at = length;
      if (Fill()) continue;
      if (has_failed_) return Result::kFailed;
      if (length == 0) return is_too_long ? Result::kTooLong : Result::kEnd;
    }
    if (!has_line && length > kLineBytesMax) {
      is_too_long = true;
      begin_ = buffer_.size();
      looked_at = 0;
      continue;
    }
    line.assign(buffer_, begin_, length);
    begin_ += length + (has_line ? 1 : 0);
    if (line.ends_with('\r')) line.pop_back();
    return is_too_long || length > kLineBytesMax ? Result::kTooLong : Result::kLine;
  }
}

bool SplitCsv(std::string_view row, std::vector<std::string>& fields, std::string& problem) {
  fields.assign(1, "");
  bool in_quotes = false, is_quoted = false;
  for (size_t i = 0; i < row.size(); ++i) {
    const char c = row[i];
    std::string& field = fields.back();
    if (in_quotes) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < row.size() && row[i + 1] == '"') {
        field += '"';
        ++i;
      } else {
        in_quotes = false;
      }
    } else if (c == ',') {
      if (fields.size() == kColumnsMax) {
        problem = "more than 10000 columns";
        return false;
      }
      fields.emplace_back();
      is_quoted = false;
    } else if (c == '"' && field.empty() && !is_quoted) {
      in_quotes = is_quoted = true;
    } else if (c == '"' || is_quoted) {
      problem = "a quote in the middle of a field";
      return false;
    } else {
      field += c;
    }
  }
  return !in_quotes;
}

std::vector<std::string> SplitTsv(std::string_view row) {
  std::vector<std::string> fields(1);
  for (size_t i = 0; i < row.size(); ++i) {
    if (row[i] == '\t') {
      fields.emplace_back();
      continue;
    }
    const char next = i + 1 < row.size() ? row[i + 1] : '\0';
    if (row[i] == '\\' && (next == 't' || next == 'n' || next == '\\')) {
      fields.back() += next == 't' ? '\t' : next == 'n' ? '\n' : '\\';
      ++i;
    } else {
      fields.back() += row[i];
    }
  }
  return fields;
}

RecordReader::RecordReader(int fd, FileFormat format, std::string key_field)
    : lines_(fd), format_(format), key_field_(std::move(key_field)) {}

RecordReader::Result RecordReader::Bad(std::string problem) {
  problem_ = std::move(problem);
  return Result::kBadLine;
}

RecordReader::Result RecordReader::NextLine(std::string& text) {
  const LineReader::Result result = lines_.Next(text);
  if (result == LineReader::Result::kEnd) return Result::kEnd;
  ++lines_read_;
  if (result == LineReader::Result::kTooLong) return Bad("longer than 256 MiB");
  if (result == LineReader::Result::kFailed) {
    problem_ = "cannot be read";
    return Result::kFailed;
  }
  if (lines_read_ == 1 && text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  return Result::kRecord;
}

// The fields of the next row that is not empty.
RecordReader::Result RecordReader::NextRow(std::vector<std::string>& fields) {
  std::string row;
  do {
    const Result result = NextLine(row);
    line_ = lines_read_;
    if (result != Result::kRecord) return result;
  } while (row.empty());
  if (format_ == FileFormat::kTsv) {
    fields = SplitTsv(row);
    return Result::kRecord;
  }
  std::string problem, more;
  while (!SplitCsv(row, fields, problem)) {
    if (!problem.empty()) return Bad(problem);
    const Result result = NextLine(more);
    if (result == Result::kEnd) return Bad("a quote that is not closed");
    if (result != Result::kRecord) return result;
    row += '\n' + more;
    if (row.size() > kLineBytesMax) return Bad("longer than 256 MiB");
  }
  return Result::kRecord;
}

RecordReader::Result RecordReader::ReadHead() {
  const Result result = NextRow(names_);
  if (result == Result::kEnd) return result;
  const auto fail = [this](std::string problem) {
    problem_ = std::move(problem);
    return Result::kFailed;
  };
  if (result != Result::kRecord) return fail("the line of names: " + problem_);
  const std::string key = key_field_.empty() ? "key" : key_field_;
  const auto place = std::find(names_.begin(), names_.end(), key);
  if (place == names_.end()) {
    return fail("there is no column '" + Printable(key) + "'; --key-field names the key's column");
  }
  key_column_ = static_cast<size_t>(place - names_.begin());
  std::set<std::string> seen;
  for (const std::string& name : names_) {
    if (!IsUtf8(name)) return fail("a column's name is not UTF-8");
    if (!seen.insert(name).second) {
      return fail("two columns have the name '" + Printable(name) + "'");
    }
  }
  return Result::kRecord;
}

RecordReader::Result RecordReader::Next(Record& record) {
  record = {};
  if (format_ == FileFormat::kNdjson) {
    std::string text;
    do {
      const Result result = NextLine(text);
      line_ = lines_read_;
      if (result != Result::kRecord) return result;
    } while (text.find_first_not_of(" \t") == std::string::npos);
    const bool is_good = key_field_.empty() ? FromJson(text, record) : FromObject(text, record);
    return is_good && Check(record) ? Result::kRecord : Result::kBadLine;
  }
  if (names_.empty()) {
    const Result result = ReadHead();
    if (result != Result::kRecord) return result;
  }
  std::vector<std::string> fields;
  const Result result = NextRow(fields);
  if (result != Result::kRecord) return result;
  return FromRow(fields, record) && Check(record) ? Result::kRecord : Result::kBadLine;
}

bool RecordReader::FromJson(const std::string& text, Record& record) {
  if (IsTooDeep(text)) {
    problem_ = "arrays within arrays, too deep";
    return false;
  }
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    problem_ = "not a JSON object";
    return false;
  }
  for (const auto& [name, value] : json.items()) {
    if (name == "key" || name == "key_b64" || name == "value" || name == "value_b64") continue;
    if (name == "expires_at" && value.is_number_integer() && value.get<int64_t>() >= 0) {
      record.expires_at = value.get<int64_t>();
      continue;
    }
    problem_ = name == "expires_at" ? "\"expires_at\" is not a time in milliseconds since 1970"
                                    : "unknown member \"" + Printable(name) +
                                          "\"; with --key-field NAME whole objects are values";
    return false;
  }
  return TakeBytes(json, "key", record.key, problem_) &&
         TakeBytes(json, "value", record.value, problem_);
}

bool RecordReader::FromObject(const std::string& text, Record& record) {
  if (IsTooDeep(text)) {
    problem_ = "arrays within arrays, too deep";
    return false;
  }
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    problem_ = "not a JSON object";
    return false;
  }
  const auto key = json.find(key_field_);
  if (key == json.end() || !(key->is_string() || key->is_number_integer())) {
    problem_ = "no text or whole number in \"" + Printable(key_field_) + "\"";
    return false;
  }
  record.key = key->is_string() ? key->get<std::string>() : key->dump();
  record.value = text;
  return true;
}

bool RecordReader::FromRow(const std::vector<std::string>& fields, Record& record) {
  if (fields.size() != names_.size()) {
    problem_ =
        std::to_string(fields.size()) + " fields instead of " + std::to_string(names_.size());
    return false;
  }
  record.key = fields[key_column_];
  record.value = "{";
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!IsUtf8(fields[i])) {
      problem_ = "the field '" + Printable(names_[i]) + "' is not UTF-8";
      return false;
    }
    if (i > 0) record.value += ',';
    AppendJsonString(record.value, names_[i]);
    record.value += ':';
    if (IsPlainNumber(fields[i])) {
      record.value += fields[i];
    } else {
      AppendJsonString(record.value, fields[i]);
    }
  }
  record.value += '}';
  return true;
}

bool RecordReader::Check(const Record& record) {
  if (record.key.empty()) {
    problem_ = "the key is empty";
  } else if (record.key.size() > libkv::kKeyBytesMax) {
    problem_ = "the key is longer than 65535 bytes";
  } else if (record.value.size() > libkv::kValueBytesMax) {
    problem_ = "the value is longer than 64 MiB";
  } else {
    return true;
  }
  return false;
}

}  // namespace kvcli
